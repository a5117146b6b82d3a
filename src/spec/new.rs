//! Commented specs to begin with.

const RETINA: &str = r"base:                                  # parameters that all runs share; tessera schema --trainer retina
  neurons: 40
  colors: 1
  kernel_size: 10
  shape: free
  iterations: 1500
  learning_rate: 0.01
  fr_learning_rate: 0.1
  # data: {source: kyoto, path: ../kyoto_natim}

grid:                                  # every combination of these axes
  method: [lagrange, two_losses]
  fr_learning_rate: [1x, 0.1x]         # multiples of the base value
  # learning_rate: {log: [1e-3, 1e-1], n: 5}
  # lr_schedule: [constant, {kind: plateau, factor: 0.5}]
";

const RETINA_END: &str = r"
figures:
  - {kind: curve, y: kl, color: method, facet: fr_learning_rate}
  - {kind: histogram, y: rate_per_neuron, color: method, facet: fr_learning_rate}
";

const TOY: &str = r"base:                                  # parameters that all runs share; tessera schema --trainer toy
  iterations: 1000

grid:                                  # every combination of these axes
  x1: {linear: [-1, 3], n: 5}
  constraint_learning_rate: [0.2, 0.02]
";

const TOY_END: &str = r"
figures:
  - {kind: curve, y: distance, color: x1, facet: constraint_learning_rate}
";

const COMMAND: &str = r"# Numbers are picked up from TensorBoard event files, events.jsonl, metrics.csv or *.jsonl in {run.dir}.
# resume: python train.py --out {run.dir} --checkpoint {checkpoint} --seed {seed} {args}
# checkpoints: {match: 'step-*.pt', keep: 2}

base:                                  # parameters that all runs share
  batch_size: 64
  learning_rate: 0.01

grid:                                  # every combination of these axes
  learning_rate: [1x, 0.1x]            # multiples of the base value
  optimizer: [sgd, adam]
";

/// A spec that reads as it stands: for `retina`, `toy`, or `command`.
pub fn template_for(trainer: &str, name: &str) -> Option<String> {
    let (who, metric, middle, end, cpu) = match trainer {
        "retina" => ("trainer: retina", "{name: kl, goal: max, reduce: mean_last 5%}", RETINA, RETINA_END, 1),
        "toy" => ("trainer: toy", "{name: distance, goal: min, reduce: last}", TOY, TOY_END, 1),
        "command" => (
            "command: python train.py --out {run.dir} --seed {seed} {args}",
            "{name: loss, goal: min, reduce: last}",
            COMMAND,
            "",
            1,
        ),
        _ => return None,
    };
    Some(format!(
        "# yaml-language-server: $schema=tessera.schema.json\n\
         sweep: {name}\n\
         about: What is asked, in one line.\n\
         {who}\n\
         metric: {metric}\n\
         \n\
         {middle}seeds: 2                               # 0 and 1; or a list\n\
         \n\
         # resources: {{gpu: 0.5, gpu_memory: 4 GiB, memory: 8 GiB, time: 2h}}\n\
         resources: {{cpu: {cpu}}}\n\
         on_failure: {{oom: retry_alone, crash: retry 1}}\n\
         {end}"
    ))
}
