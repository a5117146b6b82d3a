//! The retina's parameters and measurements, each with unit and definition: the one place that trainer and
//! documentation read. Defaults are the lab's (golden/README.md).

use crate::log_det::LogDet;
use crate::parameter::Parameter;

/// Raised when a default or a meaning changes.
pub const IDENTITY: u32 = 1;

/// The table.
pub fn parameters() -> Vec<Parameter> {
    let mut table = constraint();
    table.extend(optimization());
    table.extend(model());
    table.extend(data());
    table.extend(recording());
    table
}

fn constraint() -> Vec<Parameter> {
    use Parameter as P;
    vec![
        P::choice(
            "method",
            &["lagrange", "two_losses", "gamma", "normalized", "none"],
            "How the mean rate of each neuron is held at its target.",
        ),
        P::number(
            "fr_learning_rate",
            0.01,
            "Lagrange: ascent rate of Λ; two_losses: rate of the (logA, logB) step; gamma, normalized: rate η of the running mean ĥ.",
        )
        .minimum(0.0)
        .when(HAS_RATE),
        P::number("fr_target", 1.0, "Target of each neuron's mean rate.").above(0.0),
        P::number("rho", 1.0, "Weight ρ of the quadratic penalty ρ/2·‖h‖².").minimum(0.0).when("method == lagrange"),
        P::choice(
            "two_losses.kernel_gradient",
            &["both", "information"],
            "What the kernels follow: both losses (the lab's loop) or the information alone (as the method was described).",
        )
        .when("method == two_losses"),
        P::choice(
            "gamma.estimate",
            &["rate", "drive"],
            "What ĥ averages: the rate after division by ĥ (the lab's code; settles off target) or the drive before it.",
        )
        .when("method == gamma"),
        P::choice(
            "gamma.gradient",
            &["stopped", "through"],
            "Whether the gradient runs through ĥ (through: that of the batch's mean stands for ĥ's) or ĥ is a constant of the step.",
        )
        .when("method == gamma"),
        P::choice(
            "normalized.estimate",
            &["batch", "running"],
            "What gains are divided by: the batch's mean drive, or its running mean with the batch's gradient through it.",
        )
        .when("method == normalized"),
        P::integer(
            "normalized.calibration",
            25_600,
            "Patches that mean drives are measured on where training ends and before a probe.",
        )
        .unit("patches")
        .minimum(1.0)
        .when("method == normalized"),
    ]
}

/// Where `fr_learning_rate` means anything.
const HAS_RATE: &str =
    "method == lagrange or method == two_losses or method == gamma or normalized.estimate == running";

fn optimization() -> Vec<Parameter> {
    use Parameter as P;
    let mut table = vec![
        P::number("beta", -0.5, "Weight β of the mean KL in the loss."),
        P::integer("iterations", 3_000_000, "Steps.").unit("steps").minimum(1.0),
        P::integer("batch_size", 128, "Images a step.").unit("images").minimum(1.0),
        P::choice("optimizer", &["sgd", "adam"], "torch's SGD, or Adam with β = (0.9, 0.999), ε = 1e-8."),
        P::number("max_grad_norm", 20.0, "The norm of all gradients together is clipped to this.").above(0.0),
        P::number("learning_rate", 0.01, "Rate of everything that the firing-rate rate does not move.").minimum(0.0),
    ];
    table.extend(schedule(
        [
            "lr_schedule",
            "lr_schedule.step_size",
            "lr_schedule.gamma",
            "lr_schedule.t_max",
            "lr_schedule.eta_min",
            "lr_schedule.factor",
            "lr_schedule.patience",
            "lr_schedule.threshold",
            "lr_schedule.cooldown",
            "lr_schedule.min_lr",
            "lr_schedule.start",
            "lr_schedule.warmup",
            "lr_schedule.warmup_start_factor",
        ],
        [
            "lr_schedule == step",
            "lr_schedule == step or lr_schedule == exponential",
            "lr_schedule == cosine",
            "lr_schedule == plateau",
            "lr_schedule.warmup > 0",
        ],
        "How learning_rate changes by step; torch's names and meaning, advanced once a step.",
    ));
    table.extend(
        schedule(
            [
                "fr_lr_schedule",
                "fr_lr_schedule.step_size",
                "fr_lr_schedule.gamma",
                "fr_lr_schedule.t_max",
                "fr_lr_schedule.eta_min",
                "fr_lr_schedule.factor",
                "fr_lr_schedule.patience",
                "fr_lr_schedule.threshold",
                "fr_lr_schedule.cooldown",
                "fr_lr_schedule.min_lr",
                "fr_lr_schedule.start",
                "fr_lr_schedule.warmup",
                "fr_lr_schedule.warmup_start_factor",
            ],
            [
                "fr_lr_schedule == step",
                "fr_lr_schedule == step or fr_lr_schedule == exponential",
                "fr_lr_schedule == cosine",
                "fr_lr_schedule == plateau",
                "fr_lr_schedule.warmup > 0",
            ],
            "How fr_learning_rate changes by step.",
        )
        .into_iter()
        .map(|parameter| match parameter.active {
            None => parameter.when(HAS_RATE),
            Some(_) => parameter,
        }),
    );
    table
}

/// The parameters of one schedule: conditions for step, step and exponential, cosine, plateau, warm-up.
fn schedule(names: [&'static str; 13], conditions: [&'static str; 5], about: &'static str) -> Vec<Parameter> {
    use Parameter as P;
    let [kind, step_size, gamma, t_max, eta_min, factor, patience, threshold, cooldown, min_lr, start, warmup, from] =
        names;
    let [step, decay, cosine, plateau, warm] = conditions;
    vec![
        P::choice(kind, &["constant", "step", "exponential", "cosine", "plateau"], about),
        P::integer(step_size, 0, "Steps between two reductions (StepLR).")
            .required()
            .unit("steps")
            .minimum(1.0)
            .when(step),
        P::number(gamma, 0.0, "Factor of each reduction (StepLR, ExponentialLR).").required().above(0.0).when(decay),
        P::integer(
            t_max,
            0,
            "Steps of half a period (CosineAnnealingLR); 0: the steps that are left after the warm-up.",
        )
        .unit("steps")
        .minimum(0.0)
        .when(cosine),
        P::number(eta_min, 0.0, "Lowest rate (CosineAnnealingLR).").minimum(0.0).when(cosine),
        P::number(factor, 0.5, "Factor of each reduction (ReduceLROnPlateau on the loss).")
            .above(0.0)
            .maximum(1.0)
            .when(plateau),
        P::integer(patience, 500, "Steps without improvement that are let pass.")
            .unit("steps")
            .minimum(0.0)
            .when(plateau),
        P::number(threshold, 1e-4, "Smallest relative improvement that counts.").minimum(0.0).when(plateau),
        P::integer(cooldown, 10, "Steps after a reduction in which nothing counts.")
            .unit("steps")
            .minimum(0.0)
            .when(plateau),
        P::number(min_lr, 0.0, "Lowest rate.").minimum(0.0).when(plateau),
        P::integer(start, 10_000, "The plateau is watched from this step on.").unit("steps").minimum(0.0).when(plateau),
        P::integer(warmup, 0, "Steps of linear warm-up before the schedule (LinearLR, then SequentialLR); 0: none.")
            .unit("steps")
            .minimum(0.0),
        P::number(from, 1.0 / 3.0, "Factor that the warm-up starts from.").above(0.0).maximum(1.0).when(warm),
    ]
}

fn model() -> Vec<Parameter> {
    use Parameter as P;
    vec![
        P::integer("neurons", 300, "Neurons J.").minimum(1.0),
        P::integer("colors", 3, "Cone types: 1 = M; 2 = L, S; 3 = L, M, S.").minimum(1.0).maximum(3.0),
        P::integer("kernel_size", 18, "Side K of a patch and of a kernel.").unit("pixels").minimum(2.0),
        P::choice("nonlinearity", &["softplus", "relu"], "Rate of a neuron by its drive; softplus with sharpness 2.5."),
        P::number("input_noise", 0.4, "Sd σ_in of the noise of each pixel.").minimum(0.0),
        P::number(
            "input_noise_correlation",
            0.0,
            "Length over which noise of one colour's pixels is correlated; 0: independent.",
        )
        .unit("pixels")
        .minimum(0.0)
        .maximum(1e6),
        P::number("output_noise", 3.0, "Sd σ_out of the noise of each neuron.").above(0.0),
        P::choice(
            "shape",
            &["difference-of-gaussian", "gaussian", "difference-of-t", "single-t", "free"],
            "Radial shape of the kernels, or free kernels.",
        ),
        P::boolean("individual_shapes", true, "Each neuron has shape parameters of its own (else all share them).")
            .when("shape != free"),
        P::boolean("fixed_centers", false, "Centres stay on hexagonal grids (else they are learned).")
            .when("shape != free"),
        P::integer("mosaics", 10, "Hexagonal grids that the neurons are divided into.")
            .minimum(1.0)
            .when("fixed_centers == true"),
        P::boolean("circular_mask", true, "Patches are seen through a circle."),
        P::integer("jitter.start", 300_000, "First step of the kernels' jitter W ← W·|W|^power.")
            .unit("steps")
            .minimum(0.0)
            .when("shape == free"),
        P::integer("jitter.stop", 500_000, "Last step of the jitter.").unit("steps").minimum(0.0).when("shape == free"),
        P::integer("jitter.interval", 5000, "Steps between two jitters; 0: none.")
            .unit("steps")
            .minimum(0.0)
            .when("shape == free"),
        P::number("jitter.power", 0.25, "Power of the jitter.").minimum(0.0).when("shape == free"),
        P::number("centering.weight", 0.02, "Weight of the kernel variance in the loss; 0: none.").minimum(0.0),
        P::integer("centering.start", 300_000, "First step with the kernel variance in the loss.")
            .unit("steps")
            .minimum(0.0),
        P::integer("centering.stop", 500_000, "First step without it again.").unit("steps").minimum(0.0),
        P::choice("log_det", &LogDet::NAMES, "How log-determinants and their gradients are computed."),
        P::choice("precision", &["single", "double"], "Floating point of training."),
    ]
}

fn data() -> Vec<Parameter> {
    use Parameter as P;
    vec![
        P::choice(
            "data.source",
            &["synthetic", "kyoto", "images"],
            "Built-in dead-leaves scenes, a folder of the Kyoto data set (.mat), or a folder of PNG and JPEG images.",
        ),
        P::path("data.path", "The folder of images.").not_identity().when("data.source != synthetic"),
        P::text("data.fingerprint", "", "Fingerprint of the folder's files; tessera fills it in.")
            .when("data.source != synthetic"),
        P::integer("data.scenes", 40, "Synthetic scenes.").minimum(1.0).when("data.source == synthetic"),
        P::integer("data.scene_size", 256, "Side of a synthetic scene.")
            .unit("pixels")
            .minimum(16.0)
            .maximum(4096.0)
            .when("data.source == synthetic"),
        P::integer("data.covariance_samples", 100_000, "Patches that the data covariance is estimated from.")
            .minimum(2.0),
        P::number(
            "data.whiten",
            0.0,
            "Share of principal components, colour by colour, that patches are whitened to; 0: no whitening.",
        )
        .minimum(0.0)
        .maximum(1.0),
        P::boolean(
            "data.normalize_colors",
            false,
            "Each colour of an image is normalised by itself (else all together).",
        ),
        P::boolean("data.remove_mean", false, "Each patch loses its mean, colour by colour."),
    ]
}

fn recording() -> Vec<Parameter> {
    use Parameter as P;
    vec![
        P::integer("record.every", 10, "Steps between rows of the history.").unit("steps").minimum(1.0).not_identity(),
        P::integer(
            "record.arrays_every",
            1000,
            "Steps between records of rates, Λ, gain and bias; 0: at the end only.",
        )
        .unit("steps")
        .minimum(0.0)
        .not_identity(),
        P::integer(
            "record.matrices_every",
            0,
            "Steps between records of kernels, gradients and matrices; 0: at the end and at kept checkpoints only.",
        )
        .unit("steps")
        .minimum(0.0)
        .not_identity(),
        P::integer("checkpoint.every", 10_000, "Steps between checkpoints; 0: at the end and on a stop only.")
            .unit("steps")
            .minimum(0.0)
            .not_identity(),
        P::integer("checkpoint.keep", 2, "Newest checkpoints that are kept, beside the best and the final one.")
            .minimum(1.0)
            .not_identity(),
        P::choice("checkpoint.best", &["none", "kl", "loss", "fr_loss"], "Metric whose best checkpoint is kept.")
            .not_identity(),
    ]
}

/// Name, unit, definition.
pub const METRICS: &[(&str, &str, &str)] = &[
    (
        "kl",
        "bits",
        "Mean over the batch of log2 det C_z − log2 det C_zx: twice the information of the linearised channel.",
    ),
    (
        "kl_at_target",
        "bits",
        "kl on the same batch and noise with each gain set so that the neuron's mean rate over the batch is the target.",
    ),
    ("information", "bits", "kl/2: the mutual information between image and response of the linearised channel."),
    (
        "mi",
        "bits",
        "H_X − β·kl with H_X = ½·log2 det(2πe·C_x): for β = −½ the information, shifted by the constant H_X.",
    ),
    ("loss", "", "The method's final loss."),
    ("fr_loss", "", "‖h‖², h each neuron's mean rate over the batch less the target."),
    ("rate_mean", "", "Mean rate over neurons and images of the batch."),
    ("rate_sd_per_neuron", "", "Sd over neurons of their mean rates over the batch (its sampling noise included)."),
    ("rate_sd_per_image", "", "Sd over the batch's images of their mean rates over neurons."),
    (
        "silent_neurons",
        "",
        "Neurons whose mean drive is below 1e-4, where the gain is held at target/1e-4 without a gradient (normalized).",
    ),
    (
        "kl_before",
        "bits",
        "kl before the firing-rate step, on the batch and noise of the step; none where the method has no such step.",
    ),
    ("kl_after", "bits", "kl after it, W held: same batch and noise."),
    ("grad_norm", "", "Norm of all gradients of the final loss, before clipping (Λ's too)."),
    ("grad_norm_kl", "", "Norm of the gradient of β·kl, before clipping."),
    ("grad_norm_fr", "", "Norm of the gradient of ‖h‖², before clipping."),
    (
        "grad_norm_constraint",
        "",
        "Norm of the gradient of the term that the method adds to β·kl (Λ, which ascends, left out); none for gamma, normalized and none.",
    ),
    (
        "grad_cosine",
        "",
        "Cosine of the angle between that term's gradient and that of β·kl; none for gamma, normalized and none.",
    ),
    ("param_norm", "", "Norm of all parameters, just before W moves."),
    ("kernel_variance", "pixels²", "Mean over neurons of the spatial variance of the squared kernel."),
    ("learning_rate_now", "", "Learning rate of the step."),
    ("fr_learning_rate_now", "", "Firing-rate learning rate of the step; none where the method has none."),
    ("seconds_data", "s", "Time for patches and noise since the last row."),
    ("seconds_forward", "s", "Time for rates, gains and losses since the last row."),
    ("seconds_log_det", "s", "Time for log-determinants since the last row."),
    ("seconds_backward", "s", "Time for gradients since the last row."),
    ("seconds_optimizer", "s", "Time for clipping, steps and normalisation since the last row."),
    ("seconds_recording", "s", "Time for measurements and checkpoints since the last row."),
];

/// Name, unit, definition.
pub const ARRAYS: &[(&str, &str, &str)] = &[
    ("rate_per_neuron", "", "[J] mean rate over the images since the last record: what the constraint holds."),
    ("rate_per_image", "", "[B] mean over neurons for each image of the batch: what the lab's histogram showed."),
    ("lambda", "", "[J] Lagrange multipliers Λ (lagrange)."),
    ("h_exp", "", "[J] means ĥ that gains are divided by (gamma, normalized)."),
    ("gain", "", "[J] gains a."),
    ("bias", "", "[J] biases b."),
    ("kernels", "", "[L·K², J] unit-norm kernels, colour-major."),
    ("kernel_gradient", "", "[L·K², J] gradient that the kernels follow, before clipping (centring left out)."),
    ("kernel_gradient_kl", "", "[L·K², J] gradient of β·kl for the kernels."),
    ("kernel_gradient_fr", "", "[L·K², J] gradient of ‖h‖² for the kernels."),
    ("c_z", "", "[J, J] mean over the batch of C_z, with G."),
    ("c_zx", "", "[J, J] mean over the batch of C_zx, with G."),
    ("wcxw", "", "[J, J] Wᵀ(C_x + σ_in²C_n)W, without G."),
    ("c_z_running", "", "[J, J] mean of C_z over all batches since the last record."),
    ("c_zx_running", "", "[J, J] mean of C_zx over all batches since the last record."),
    ("wcxw_running", "", "[J, J] mean of WᵀCW over all batches since the last record."),
];
