"""The model of README.md in plain PyTorch, float64 and autograd throughout: the yardstick, not the product.

python reference.py verify DIR   recomputes the golden files of a folder from their inputs, one line a file with the largest relative error
python reference.py make DIR     writes the cases that are not the lab's into a folder
Needs torch and safetensors.
"""

import math
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

SILENT = 1e-4
ROWS = {"difference-of-gaussian": 4, "gaussian": 2, "single-t": 2, "difference-of-t": 4}
START = {
    "difference-of-gaussian": [-3.0, -3.0, 0.0],
    "gaussian": [-0.75],
    "single-t": [-3.0],
    "difference-of-t": [-3.0, -0.9, 0.0],
}


def profile(shape, p, rho2, size):
    """One colour's kernels over squared distances rho2 [size², J] from the parameters p [rows, J], without the weight d."""
    if shape == "gaussian":
        return torch.exp(-p[0].exp() * rho2)
    if shape == "single-t":
        return (1 + p[0].exp() * rho2 / 2) ** -1.5
    a, b = p[0].exp() + p[1].exp(), p[1].exp()
    if shape == "difference-of-gaussian":
        return torch.exp(-a * rho2) - p[2].sigmoid() * torch.exp(-b * rho2)
    c = torch.exp(-(a - b) * (size // 4) ** 2 * p[2].sigmoid())
    return 1 / (1 + a * rho2) - c / (1 + b * rho2)


def kernels(shape, parameters, size, colors):
    """W [colors·size², J]."""
    if shape == "None":
        return parameters["encoder.W"]
    index = torch.arange(size).double()
    x, y = (grid.reshape(-1, 1) for grid in torch.meshgrid(index, index, indexing="ij"))
    centers = parameters["encoder.kernel_centers"]
    rho2 = (x - centers[:, 0]) ** 2 + (y - centers[:, 1]) ** 2
    p = parameters["encoder.shape_function.shape_params"].view(colors, ROWS[shape], -1)
    weights = p[:, -1] / p[:, -1].norm(dim=0, keepdim=True)
    w = torch.cat([weights[color] * profile(shape, p[color], rho2, size) for color in range(colors)])
    return w / w.norm(dim=0, keepdim=True)


def kernel_variance(w, size, colors):
    """How far each kernel spreads: v_x + v_y, mean over the neurons."""
    w = (w / w.norm(dim=0, keepdim=True)).view(colors, size, size, -1).mean(0)
    index = torch.arange(size).double()[:, None]

    def variance(p):
        return (((index - (index * p).sum(0)) ** 2) * p).sum(0)

    return (variance((w**2).sum(1)) + variance((w**2).sum(0))).mean()


def gains(config, log_gain, h_exp, drive):
    """a [J] by the drives φ(u) [B, J] of a batch."""
    method, estimate, target = config["method"], config.get("estimate", "rate"), float(config["fr_target"])
    if method not in ("Gamma", "Normalized"):
        return log_gain.exp()
    mean = drive.mean(0)
    if method == "Normalized" and estimate == "batch":
        return target / torch.where(mean < SILENT, torch.full_like(mean, SILENT), mean)
    if method == "Gamma" and config.get("gradient") != "through":
        return target / h_exp
    if estimate == "rate":
        mean = target / h_exp * mean
    divisor = HasSlopeOf.apply(h_exp, mean)
    if method == "Normalized":
        divisor = torch.where(h_exp < SILENT, torch.full_like(mean, SILENT), divisor)
    return target / divisor


class HasSlopeOf(torch.autograd.Function):
    """The value of one tensor with the gradient of another."""

    @staticmethod
    def forward(ctx, value, slope):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return None, gradient


def run(config, tensors):
    """All steps of a case: every tensor of a golden file that is not an input."""
    size, neurons, batch, colors, steps = (int(config[k]) for k in ("kernel_size", "neurons", "batch", "colors", "steps"))
    method, shape = config["method"], config["shape"]
    rho, beta, sigma_in, sigma_out = (float(config[k]) for k in ("rho", "beta", "input_noise", "output_noise"))
    rate, fr_rate, clip, target = (float(config[k]) for k in ("learning_rate", "fr_learning_rate", "max_grad_norm", "fr_target"))
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[config["optimizer"]]

    parameters = {k[5:]: v.clone().requires_grad_() for k, v in tensors.items() if k.startswith("init.")}
    log_gain, log_bias, multiplier = (parameters[k] for k in ("encoder.logA", "encoder.logB", "Lambda"))
    covariance = tensors["data_covariance"]
    h_exp = torch.ones(neurons)
    if method == "Two_losses":
        own = [log_gain, log_bias]
        rest = [p for p in parameters.values() if all(p is not other for other in own)]
        by_rate, by_information = optimizer(own, lr=fr_rate), optimizer(rest, lr=rate)
    else:
        by_rate, by_information = None, optimizer(list(parameters.values()), lr=rate)

    found, trajectory = {}, {}
    for step in range(steps):
        x, nx, nr = (tensors[k][step] for k in ("x", "nx", "nr"))
        w = kernels(shape, parameters, size, colors)
        u = (x + sigma_in * nx).reshape(batch, -1) @ w - log_bias.exp()
        if config["nonlinearity"] == "relu":
            drive, slope = u.clamp(min=0), (u > 0).double()
        else:
            drive, slope = torch.nn.functional.softplus(u, beta=2.5, threshold=1e9), torch.sigmoid(2.5 * u)
        gain = gains(config, log_gain, h_exp, drive)
        r, g = gain * drive, gain * slope
        wcxw = w.T @ (covariance + sigma_in**2 * torch.eye(len(covariance))) @ w
        noise = sigma_out**2 * torch.eye(neurons)
        c_z, c_zx = (g[:, :, None] * m * g[:, None, :] + noise for m in (wcxw, sigma_in**2 * w.T @ w))
        numerator, denominator = (torch.linalg.slogdet(c)[1] / math.log(2) for c in (c_z, c_zx))
        kl = (numerator - denominator).mean()
        h = r.mean(0) if method == "Gamma" else r.mean(0) - target
        fr_loss, information = (h**2).sum(), beta * kl
        loss = information
        if method == "Lagrange":
            loss = information + (multiplier * h).sum() + rho / 2 * fr_loss

        def gradients(of):
            all_of_them = torch.autograd.grad(of, list(parameters.values()), retain_graph=True, allow_unused=True)
            return {k: v for k, v in zip(parameters, all_of_them) if v is not None}

        by_loss = gradients(loss)
        if step == 0:
            found |= {"W": w, "z": gain * u + sigma_out * nr, "r": r, "h": h}
            found |= {"logdet_numerator": numerator, "logdet_denominator": denominator}
            if method != "Gamma":
                found |= {"C_z_mean": c_z.mean(0), "C_zx_mean": c_zx.mean(0), "WCxW": wcxw}
            for name, of in (("loss", by_loss), ("fr", gradients(fr_loss)), ("kl", gradients(information))):
                found |= {f"grad_{name}.{k}": v for k, v in of.items()}
            found = {f"step0.{k}": v.detach().clone() for k, v in found.items()}

        if method == "Two_losses":
            fr_loss.backward(retain_graph=True)
            by_rate.step()
            log_gain.grad = log_bias.grad = None
            information.backward()  # on top of what the firing-rate loss left in W
        else:
            for name, parameter in parameters.items():
                parameter.grad = by_loss[name].clone() if name in by_loss else None
            if method == "Lagrange":
                multiplier.grad = -multiplier.grad
        moving = [p for p in parameters.values() if p.grad is not None]
        numbers = {
            "kl": kl,
            "loss": loss,
            "fr_loss": fr_loss,
            "grad_norm": torch.nn.utils.clip_grad_norm_(moving, clip),
            "param_norm": torch.cat([p.detach().reshape(-1) for p in parameters.values()]).norm(),
            "kernel_variance": kernel_variance(w, size, colors),
        }
        for name, number in numbers.items():
            trajectory.setdefault(name, []).append(number.detach().clone())
        by_information.step()
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.grad = None
            if shape == "None":
                parameters["encoder.W"] /= parameters["encoder.W"].norm(dim=0, keepdim=True)
            averaged = drive if config.get("estimate", "rate") != "rate" else r
            eta = 1 if config.get("estimate") == "batch" else fr_rate
            h_exp = (1 - eta) * h_exp + eta * averaged.mean(0)

    if config.get("estimate") == "batch":  # h is 0 but for rounding
        found = {k: v for k, v in found.items() if k != "step0.h" and not k.startswith("step0.grad_fr.")}
        del trajectory["fr_loss"]
    found |= {f"trajectory.{k}": torch.stack(v) for k, v in trajectory.items()}
    found |= {f"final.{k}": v.detach().clone() for k, v in parameters.items()}
    return found | ({"final.h_exp": h_exp} if method in ("Gamma", "Normalized") else {})


def inputs(config):
    """Random inputs and start of a case."""
    size, neurons, batch, colors, steps = (int(config[k]) for k in ("kernel_size", "neurons", "batch", "colors", "steps"))
    pixels = colors * size**2
    a = torch.randn(pixels, pixels) / pixels**0.5
    covariance = a @ a.T + 0.1 * torch.eye(pixels)
    images = torch.randn(steps, batch, pixels) @ torch.linalg.cholesky(covariance).T
    tensors = {
        "data_covariance": covariance,
        "x": images.view(steps, batch, colors, size**2),
        "nx": torch.randn(steps, batch, colors, size**2),
        "nr": torch.randn(steps, batch, neurons),
        "init.Lambda": torch.rand(neurons),
        "init.encoder.logA": 0.02 * torch.randn(neurons),
        "init.encoder.logB": 0.02 * torch.randn(neurons) - 1,
    }
    if config["shape"] == "None":
        w = torch.randn(pixels, neurons)
        return tensors | {"init.encoder.W": w / w.norm(dim=0, keepdim=True)}
    rows = [torch.full((1, neurons), value) for value in START[config["shape"]]]
    shape_params = torch.cat([row for _ in range(colors) for row in (*rows, torch.randn(1, neurons))])
    centers = (torch.rand(neurons, 2) * 2 + 1) * (size - 1) / 4
    return tensors | {"init.encoder.shape_function.shape_params": shape_params, "init.encoder.kernel_centers": centers}


COMMON = {
    "method": "Lagrange", "shape": "None", "neurons": 8, "kernel_size": 5, "colors": 1, "batch": 8, "steps": 6,
    "optimizer": "sgd", "learning_rate": 0.01, "fr_learning_rate": 0.01, "rho": 1.0, "beta": -0.5, "input_noise": 0.4,
    "output_noise": 3.0, "nonlinearity": "softplus", "max_grad_norm": 20.0, "fr_target": 1.0,
}  # fmt: skip

FURTHER = {
    "further_two_losses_2c_adam": {"method": "Two_losses", "colors": 2, "optimizer": "adam", "fr_learning_rate": 0.03},
    "further_two_losses_relu_target": {"method": "Two_losses", "nonlinearity": "relu", "fr_target": 2.5, "max_grad_norm": 0.5},
    "further_two_losses_gaussian": {"method": "Two_losses", "shape": "gaussian", "colors": 2},
    "further_lagrange_difference_of_t": {"shape": "difference-of-t", "kernel_size": 7},
    "further_lagrange_rho_target": {"rho": 3.0, "beta": -1.0, "fr_target": 2.5, "input_noise": 0.2, "output_noise": 1.0},
    "further_gamma_single_t_adam": {"method": "Gamma", "shape": "single-t", "optimizer": "adam", "colors": 2},
    "further_none_relu": {"method": "None", "nonlinearity": "relu"},
}

BATCH, RUNNING, DOG = {"method": "Normalized", "estimate": "batch"}, {"method": "Normalized", "estimate": "running"}, "difference-of-gaussian"
THROUGH = {"method": "Gamma", "gradient": "through", "fr_learning_rate": 0.1}
# One neuron of the relu's cases, the first, is so biased that no image reaches it.
FURTHER |= {
    "further_normalized_batch_1c": BATCH,
    "further_normalized_batch_3c_adam": BATCH | {"colors": 3, "optimizer": "adam", "fr_target": 2.5},
    "further_normalized_batch_1c_relu": BATCH | {"nonlinearity": "relu", "silent": "1"},
    "further_normalized_batch_3c_dog_relu_adam": BATCH | {"colors": 3, "shape": DOG, "optimizer": "adam", "nonlinearity": "relu", "silent": "1"},
    "further_normalized_batch_1c_dog_adam": BATCH | {"shape": DOG, "optimizer": "adam"},
    "further_normalized_batch_of_1": BATCH | {"batch": 1},
    "further_normalized_batch_of_2": BATCH | {"batch": 2},
    "further_normalized_running_1c": RUNNING | {"fr_learning_rate": 0.1},
    "further_normalized_running_3c_dog": RUNNING | {"colors": 3, "shape": DOG, "fr_learning_rate": 0.5, "fr_target": 2.5},
    "further_normalized_running_3c_adam": RUNNING | {"colors": 3, "optimizer": "adam", "fr_learning_rate": 0.1},
    "further_normalized_running_1c_relu": RUNNING | {"nonlinearity": "relu", "fr_learning_rate": 1.0, "silent": "1"},
    "further_gamma_through_rate_1c": THROUGH | {"estimate": "rate", "fr_target": 2.5},
    "further_gamma_through_drive_3c_relu_adam": THROUGH | {"estimate": "drive", "colors": 3, "nonlinearity": "relu", "optimizer": "adam"},
}


def main():
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "make":
        torch.manual_seed(5)
        for name, changes in FURTHER.items():
            config = {k: str(v) for k, v in (COMMON | changes).items()}
            tensors = inputs(config)
            if "silent" in config:
                tensors["init.encoder.logB"][0] = 3.0
            tensors = {k: v.contiguous() for k, v in (tensors | run(config, tensors)).items()}
            save_file(tensors, folder / f"{name}.safetensors", metadata=config)
        return
    for path in sorted(folder.glob("*.safetensors")):
        tensors = load_file(path)
        config = safe_open(path, "pt").metadata()
        if config:  # the toy's file has none
            found = run(config, tensors)
            errors = {k: ((found[k] - v).abs().max() / v.abs().max()).item() for k, v in tensors.items() if k in found}
            print(f"{path.name}: {max(errors.values()):.1e} over {len(errors)} tensors")


if __name__ == "__main__":
    main()
