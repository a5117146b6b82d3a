//! How long a training step takes by each way to the log-determinants, and what it needs: `tessera-lab bench`.
//!
//! The ways take turns, step by step, in one process, so that their ratios hold on a machine that is not idle. A way's share
//! of the machine is the arithmetic of `fused` (J³ for the value and inverse of each of 2·B matrices; the products with C_x, W and
//! the patches) over its time, against the largest rate of a matrix product that was seen meanwhile.
//!
//! A GPU is timed twice: phase by phase, waiting after each, and a row of steps without a wait, as runs take them. The second
//! time is the step's. Its memory is not told here, since libtorch's count of it is out of reach.

use crate::data::Source;
use crate::describe;
use crate::log_det::LogDet;
use crate::parameter::Values;
use crate::phases::{Phase, Phases};
use crate::random::Streams;
use crate::retina::learner::{Learner, Rates};
use crate::retina::options::Options;
use crate::retina::start;
use std::path::Path;
use std::time::Instant;
use tch::{Cuda, Device, Kind, Tensor};
use tessera::record::{Parameters, Value};

/// J, K, colours: the lab's size and a small one.
const SIZES: [(i64, i64, i64); 2] = [(100, 18, 1), (300, 18, 3)];
const BATCH: i64 = 128;
/// Sides of the matrices whose product is the measure of the machine: of a CPU, and of a GPU.
const PRODUCT: [i64; 2] = [1536, 8192];
/// Steps without a wait, for each one that is timed phase by phase.
const UNBROKEN: u64 = 4;

/// Prints one line a size and way.
pub fn run(threads: u32, rounds: u32, ways: &[String], device: Device) -> Result<(), String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1) as usize).build();
    pool.map_err(|error| format!("cannot start {threads} threads: {error}"))?.install(|| {
        tch::set_num_threads(threads.max(1) as i32);
        println!("threads {threads}, batch {BATCH}, single precision, {device:?}, medians of {rounds} steps\n");
        println!(
            "neurons kernel colors log_det             ms/step   ratio  log_det  backward   rest  share  peak MiB"
        );
        SIZES.iter().try_for_each(|&size| compare(size, rounds, ways, device))
    })
}

/// One way at one size.
struct Contender {
    name: &'static str,
    learner: Learner,
    source: Source,
    streams: Streams,
    options: Options,
    /// Seconds by phase of each step.
    seconds: Vec<[f64; 6]>,
    /// Seconds a step without waits in between; on a GPU only.
    unbroken: Option<f64>,
    peak_mib: Option<f64>,
}

fn compare(
    (neurons, kernel_size, colors): (i64, i64, i64),
    rounds: u32,
    ways: &[String],
    device: Device,
) -> Result<(), String> {
    let mut contenders = Vec::new();
    for name in LogDet::NAMES.into_iter().filter(|name| ways.is_empty() || ways.iter().any(|way| way == name)) {
        let mut contender = Contender::new(name, (neurons, kernel_size, colors), device)?;
        let before = if device.is_cuda() { None } else { memory::forget_peak() };
        (0..2).try_for_each(|step| contender.step(step, device, true))?;
        contender.peak_mib = before.and_then(|before| Some(memory::peak()? - before));
        contender.seconds.clear();
        contenders.push(contender);
    }
    let mut rate: f64 = 0.0;
    for round in 0..u64::from(rounds) {
        for contender in &mut contenders {
            contender.step(2 + round, device, true)?;
        }
        rate = rate.max(product_rate(device));
    }
    if let Device::Cuda(index) = device {
        for contender in &mut contenders {
            contender.unbroken = Some(contender.unbroken(u64::from(rounds) * UNBROKEN, index as i64, device)?);
        }
    }
    let reference = contenders.iter().find(|contender| contender.name == "autograd_cholesky").map(Contender::median);
    for contender in &contenders {
        let [log_det, backward, phases] = contender.medians();
        let all = contender.median();
        let ratio = reference.map_or_else(|| "-".to_owned(), |reference| format!("{:.1}", reference / all));
        let share = operations(neurons, kernel_size, colors) / all / rate;
        let peak = contender.peak_mib.map_or_else(|| "-".to_owned(), |peak| format!("{peak:.0}"));
        println!(
            "{neurons:7} {kernel_size:6} {colors:6} {:18} {:8.1} {ratio:>7} {:8.1} {:9.1} {:6.1} {share:6.2} {peak:>9}",
            contender.name,
            all * 1e3,
            log_det * 1e3,
            backward * 1e3,
            (phases - log_det - backward) * 1e3,
        );
    }
    println!("matrix product: {:.0} GFLOP/s\n", rate / 1e9);
    Ok(())
}

impl Contender {
    fn new(
        name: &'static str,
        (neurons, kernel_size, colors): (i64, i64, i64),
        device: Device,
    ) -> Result<Self, String> {
        let given = [
            ("neurons", Value::Integer(neurons)),
            ("kernel_size", Value::Integer(kernel_size)),
            ("colors", Value::Integer(colors)),
            ("batch_size", Value::Integer(BATCH)),
            ("shape", Value::from("free")),
            ("data.covariance_samples", Value::Integer(4000)),
            ("log_det", Value::from(name)),
        ];
        let given: Parameters = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let table = describe::retina::parameters();
        let options = Options::read(&Values::check(&table, &given)?)?;
        let streams = Streams::new(0);
        let cache = std::env::temp_dir().join("tessera-bench");
        let source = Source::open(&options.data, &cache, options.kind, device)?;
        let learner = start::learner(&options, &source.covariance(), &streams, device);
        Ok(Self { name, learner, source, streams, options, seconds: Vec::new(), unbroken: None, peak_mib: None })
    }

    /// One step, of which `timed` says whether each phase is waited for.
    fn step(&mut self, step: u64, device: Device, timed: bool) -> Result<(), String> {
        let Options { kernels, kind, .. } = self.options;
        let mut phases = Phases::new(device);
        phases.step(timed);
        phases.enter(Phase::Data);
        let images = self.source.patches(&self.streams, "patches", step, BATCH);
        let shape = [BATCH, kernels.colors, kernels.kernel_size * kernels.kernel_size];
        let noise = self.streams.normal("input", step, &shape, kind, device);
        let rates = Rates { learning: 0.01, firing_rate: 0.01, centering: 0.0 };
        self.learner.step(&images, &noise, rates, &mut phases).map_err(|fault| fault.to_string())?;
        phases.leave();
        if timed {
            self.seconds.push(phases.take());
        }
        Ok(())
    }

    /// Seconds a step over so many steps that nothing waits for but the end.
    fn unbroken(&mut self, steps: u64, index: i64, device: Device) -> Result<f64, String> {
        Cuda::synchronize(index);
        let since = Instant::now();
        (0..steps).try_for_each(|step| self.step(step, device, false))?;
        Cuda::synchronize(index);
        Ok(since.elapsed().as_secs_f64() / steps.max(1) as f64)
    }

    /// Seconds of a step: without waits where that was timed, else the median.
    fn median(&self) -> f64 {
        self.unbroken.unwrap_or(self.medians()[2])
    }

    /// Median seconds of log-determinants, of gradients, and of all phases.
    fn medians(&self) -> [f64; 3] {
        let median = |of: &dyn Fn(&[f64; 6]) -> f64| {
            let mut seconds: Vec<f64> = self.seconds.iter().map(of).collect();
            seconds.sort_by(f64::total_cmp);
            seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
        };
        [
            median(&|phases| phases[Phase::LogDet as usize]),
            median(&|phases| phases[Phase::Backward as usize]),
            median(&|phases| phases.iter().sum()),
        ]
    }
}

/// Multiplications and additions of a step: log-determinants; C·W, two Wᵀ·(C·W) and their gradients; filters and theirs.
fn operations(neurons: i64, kernel_size: i64, colors: i64) -> f64 {
    let [j, b, d] = [neurons, BATCH, colors * kernel_size * kernel_size].map(|x| x as f64);
    2.0 * b * j.powi(3) + 2.0 * d * d * j + 4.0 * 2.0 * d * j * j + 3.0 * 2.0 * b * d * j
}

/// Operations a second of a product of large matrices.
fn product_rate(device: Device) -> f64 {
    let side = PRODUCT[usize::from(device.is_cuda())];
    let matrix = Tensor::ones([side, side], (Kind::Float, device));
    // The filling of the matrix is not timed.
    matrix.double_value(&[0, 0]);
    let since = Instant::now();
    let product = matrix.matmul(&matrix);
    // Reading a number waits for a GPU.
    product.double_value(&[0, 0]);
    2.0 * (side as f64).powi(3) / since.elapsed().as_secs_f64()
}

/// The process's memory, MiB, as Linux says it.
mod memory {
    use super::Path;

    /// What is resident now; the peak is counted from here on.
    #[expect(unsafe_code, reason = "no crate that is used here gives pages back")]
    pub fn forget_peak() -> Option<f64> {
        // SAFETY: gives free pages back; it touches nothing that is in use.
        unsafe { libc::malloc_trim(0) };
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        read("VmRSS:")
    }

    /// The most that was resident.
    pub fn peak() -> Option<f64> {
        read("VmHWM:")
    }

    fn read(name: &str) -> Option<f64> {
        let status = std::fs::read_to_string(Path::new("/proc/self/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    }
}
