"""Fits a line with JAX and tells Tessera its numbers by python/tessera.py, which is copied beside a script (or on PYTHONPATH)."""
import argparse

import jax
import jax.numpy as jnp
import tessera

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

key, noise = jax.random.split(jax.random.key(args.seed))
x = jax.random.normal(key, (256,))
y = 3 * x + 0.1 * jax.random.normal(noise, (256,))
update = jax.jit(jax.value_and_grad(lambda w: jnp.mean((w[0] * x + w[1] - y) ** 2)))
w = jnp.zeros(2)
for step in range(args.steps):
    loss, gradient = update(w)
    w -= args.lr * gradient
    tessera.log(step, loss=loss)
tessera.array("weights", w, args.steps)
