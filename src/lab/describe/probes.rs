//! What the retina's probes measure at a stored checkpoint: names, units, definitions.

use super::Table;

/// Name of the probe, its metrics, its arrays. The steps of a probe's history are batches: a row says what so many say.
pub const PROBES: &[(&str, Table, Table)] = &[
    ("covariance", COVARIANCE, MATRICES),
    ("rates", RATES, RATE_ARRAYS),
    ("gradient", GRADIENT, GRADIENT_ARRAYS),
    ("kl", KL, KL_ARRAYS),
];

const COVARIANCE: Table = &[
    (
        "wcxw_off_diagonal",
        "",
        "Share of the energy (sum of squares) of Wᵀ(C_x + σ_in²C_n)W off its diagonal: without G, exact.",
    ),
    ("c_z_off_diagonal", "", "The same of C_z, with G, by sets of so many batches (mean over disjoint sets)."),
    ("c_z_spread", "", "Root mean square over disjoint sets of ‖C_set − C̄‖/‖C̄‖, C̄ their mean; none for one set."),
    ("c_zx_off_diagonal", "", "Share of the energy of C_zx, with G, off its diagonal."),
    ("c_zx_spread", "", "Spread of C_zx over disjoint sets."),
    (
        "y_off_diagonal",
        "",
        "Share of the energy of the sample covariance of y (filtered images, no G) off its diagonal.",
    ),
    ("y_spread", "", "Spread of the sample covariance of y over disjoint sets."),
    (
        "z_off_diagonal",
        "",
        "Share of the energy of the sample covariance of z (responses, output noise included) off its diagonal.",
    ),
    ("z_spread", "", "Spread of the sample covariance of z over disjoint sets."),
];

const MATRICES: Table = &[
    ("wcxw", "", "[J, J] Wᵀ(C_x + σ_in²C_n)W, without G."),
    ("c_z", "", "[J, J] C_z by all batches."),
    ("c_z_one_batch", "", "[J, J] C_z by the first batch."),
    ("c_zx", "", "[J, J] C_zx by all batches."),
    ("c_zx_one_batch", "", "[J, J] C_zx by the first batch."),
    ("y", "", "[J, J] sample covariance of y over all batches."),
    ("y_one_batch", "", "[J, J] sample covariance of y over the first batch."),
    ("z", "", "[J, J] sample covariance of z over all batches."),
    ("z_one_batch", "", "[J, J] sample covariance of z over the first batch."),
];

const RATES: Table = &[
    ("images", "", "Images that the means are over."),
    ("rate_mean", "", "Mean rate over neurons and images."),
    ("rate_sd_per_neuron", "", "Sd over neurons of their mean rates over the images; by one batch: mean over batches."),
    ("rate_sampling_noise", "", "Standard error of a neuron's mean rate (root mean square over neurons)."),
    ("rate_sd_per_image", "", "Sd over images of their mean rates over neurons; by one batch: mean over batches."),
];

const RATE_ARRAYS: Table = &[
    ("rate_per_neuron", "", "[J] mean rate over all images: what the constraint holds."),
    ("rate_per_image", "", "[images] mean over neurons: what the lab's histogram showed."),
];

const GRADIENT: Table = &[
    (
        "grad_norm_kl",
        "",
        "Norm of the mean gradient of β·kl (by W, logB, and logA where the gain is no function of the batch).",
    ),
    ("grad_norm_kl_one_batch", "", "Root mean square norm of one batch's gradient of β·kl."),
    ("grad_norm_fr", "", "Norm of the mean gradient of ‖h‖²."),
    ("grad_norm_fr_one_batch", "", "Root mean square norm of one batch's gradient of ‖h‖²."),
    ("grad_cosine", "", "Cosine of the angle between the two mean gradients."),
];

const GRADIENT_ARRAYS: Table = &[
    ("kernel_gradient_kl", "", "[L·K², J] mean gradient of β·kl for the kernels."),
    ("kernel_gradient_fr", "", "[L·K², J] mean gradient of ‖h‖² for the kernels."),
];

const KL: Table = &[
    ("kl", "bits", "Mean over batches of kl."),
    (
        "kl_at_target",
        "bits",
        "The same with each gain set so that the neuron's mean rate over normalized.calibration other patches is the target.",
    ),
    ("information", "bits", "kl/2."),
    ("mi", "bits", "H_X − β·kl."),
    ("kl_sd", "bits", "Sd of kl over batches."),
    ("kl_standard_error", "bits", "Standard error of the mean."),
    ("rate_mean", "", "Mean rate over neurons and images."),
    ("rate_off", "", "Largest |mean rate/target − 1| of a neuron (its sampling noise included)."),
];

const KL_ARRAYS: Table = &[
    ("kl_per_batch", "bits", "[batches] kl of each batch."),
    ("kl_at_target_per_batch", "bits", "[batches] kl of each batch with the gains of kl_at_target."),
    ("rate_per_neuron", "", "[J] mean rate over all images."),
];
