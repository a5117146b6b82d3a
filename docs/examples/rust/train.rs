//! Fits a line by gradient descent and writes JSON lines; no library, none of Tessera's either. `rustc -O train.rs`
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rate, seed] = words.as_slice() else { return Err("usage: train FOLDER RATE SEED".into()) };
    let (rate, seed): (f64, f64) = (rate.parse()?, seed.parse()?);
    let x: Vec<f64> = (0..256).map(|i| (f64::from(i) * 0.7 + seed).sin()).collect();
    let mut log = std::fs::File::create(format!("{folder}/metrics.jsonl"))?;
    let mut w = 0.0;
    for step in 0..100 {
        let (mut loss, mut gradient) = (0.0, 0.0);
        for x in &x {
            let error = w * x - 3.0 * x;
            loss += error * error / 256.0;
            gradient += 2.0 * error * x / 256.0;
        }
        w -= rate * gradient;
        writeln!(log, "{{\"step\": {step}, \"loss\": {loss}}}")?;
    }
    Ok(())
}
