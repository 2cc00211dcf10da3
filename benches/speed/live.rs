//! What it costs that a run is seen: the same run under the `convscope` kernel, where pictures and bars are
//! drawn while it lasts, and under plain evcxr, where nothing is. Processor time, since a busy machine
//! makes the clock's time a matter of luck; real weights and photos.
//!
//! A notebook here is this program, started again, with the environment that makes the library believe so.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

use convscope::prelude::*;

use crate::Outcome;
use crate::race::median;

/// The word that makes this program such a notebook; the run's name follows.
pub const WORD: &str = "be-seen";

const RUNS: [&str; 7] = [
    "occlusion, resnet18, 841 places",
    "RISE, resnet18, 400 masks",
    "Score-CAM, resnet18, 512 channels",
    "maximize, resnet18, 64 steps",
    "maximize, digits, 2000 steps",
    "t-SNE, 3000 digits, 1000 iterations",
    "training, 4000 digits, 4 epochs",
];

pub fn run(rounds: usize) -> Outcome {
    println!("what is drawn on the way, and the same run without it: processor time");
    for name in RUNS {
        let Some(mut notebooks) = start(name)? else {
            println!("skipped: {name}: no weights of ResNet-18 (CONVSCOPE_HOME)");
            continue;
        };
        let (mut seen, mut unseen, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let [with, without] = &mut notebooks;
            let (with, without) = (with.seconds()?, without.seconds()?);
            seen.push(with);
            unseen.push(without);
            ratios.push(without / with);
        }
        let [with, _] = notebooks;
        let megabytes = with.end()? as f64 / 1e6 / rounds as f64;
        println!(
            "{name:44} {:>9.0} ms {:>9.0} ms {:>8.3} {megabytes:>8.1} MB of pictures a run",
            1e3 * median(&mut seen),
            1e3 * median(&mut unseen),
            median(&mut ratios),
        );
    }
    Ok(())
}

/// Two notebooks that are ready for the run, one that is seen and one that isn't.
fn start(name: &str) -> Outcome<Option<[Notebook; 2]>> {
    let mut notebooks = [Notebook::start(name, true)?, Notebook::start(name, false)?];
    for notebook in &mut notebooks {
        if notebook.hear()? != "ready" {
            return Ok(None);
        }
    }
    Ok(Some(notebooks))
}

struct Notebook {
    process: Child,
    answers: BufReader<ChildStderr>,
    /// Counts what it prints.
    printed: JoinHandle<usize>,
}

impl Notebook {
    fn start(name: &str, seen: bool) -> Outcome<Notebook> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([WORD, name]).env("EVCXR_IS_RUNTIME", "1").env_remove("CONVSCOPE_SESSION");
        if seen {
            command.env("CONVSCOPE_SESSION", std::env::temp_dir());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let answers = BufReader::new(process.stderr.take().ok_or("no pipe")?);
        let mut prints = process.stdout.take().ok_or("no pipe")?;
        let printed = std::thread::spawn(move || {
            let (mut piece, mut all) = (vec![0; 1 << 16], 0);
            while let Ok(read @ 1..) = prints.read(&mut piece) {
                all += read;
            }
            all
        });
        Ok(Notebook { process, answers, printed })
    }

    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// The processor time of one run.
    fn seconds(&mut self) -> Outcome<f64> {
        writeln!(self.process.stdin.as_ref().ok_or("no pipe")?, "go")?;
        Ok(self.hear()?.parse()?)
    }

    /// Ends it; how many bytes it has printed.
    fn end(mut self) -> Outcome<usize> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        Ok(self.printed.join().unwrap_or_default())
    }
}

/// What such a notebook does: says that it is ready, or not, and for each word it hears runs once and says
/// what that took.
pub fn be(name: &str) -> Outcome {
    let mut work = match work(name) {
        Ok(work) => work,
        Err(error) => {
            eprintln!("{}", error.to_string().replace('\n', " "));
            return Ok(());
        }
    };
    eprintln!("ready");
    while std::io::stdin().read_line(&mut String::new())? > 0 {
        let before = processor_time()?;
        work()?;
        eprintln!("{}", processor_time()? - before);
    }
    Ok(())
}

fn work(name: &str) -> Outcome<Box<dyn FnMut() -> Outcome>> {
    const SAMOYED: usize = 258;
    let net = if name.contains("resnet18") { zoo::resnet18() } else { zoo::digits() }?;
    let photo = match std::env::var_os("CONVSCOPE_PHOTO") {
        Some(path) => Photo::open(path)?,
        None => data::digit(4, 2)?,
    };
    let explain = |net: Network, method: Box<dyn Attribution>| -> Box<dyn FnMut() -> Outcome> {
        let photo = photo.clone();
        Box::new(move || done(method.explain(&net, &photo, SAMOYED)))
    };
    match name.split(',').next().unwrap_or_default() {
        "occlusion" => {
            let patches = [Patches::new(32).stride(7)];
            Ok(Box::new(move || done(occlusion(&net, &photo, SAMOYED, &patches))))
        }
        "RISE" => Ok(explain(net, Box::new(Rise::default().masks(400)))),
        "Score-CAM" => Ok(explain(net, Box::new(ScoreCam::at("layer4")))),
        "maximize" => {
            let (layer, steps) = match net.name() {
                "resnet18" => ("layer3", 64),
                _ => ("conv2", 2000),
            };
            Ok(Box::new(move || {
                let run = Maximize::lucid().steps(steps);
                done(run.run(&net, Unit::channel(layer, 5)))
            }))
        }
        "t-SNE" => {
            let features = net.features(&data::digits(3000, 1)?, "relu2", Pooling::Mean)?;
            let tsne = Tsne::default().iterations(1000);
            Ok(Box::new(move || done(tsne.run(&features))))
        }
        _ => {
            let train = Dataset::prepare(&net, &data::digits(4000, 1)?)?;
            let test = Dataset::prepare(&net, &data::digits(500, 2)?)?;
            Ok(Box::new(move || {
                let mut net = zoo::digits_untrained()?;
                done(net.fit(&train, Fit::new(4).validate(&test)))
            }))
        }
    }
}

fn done<T>(run: Result<T, convscope::Error>) -> Outcome {
    run.map(drop).map_err(Into::into)
}

/// This process' processor time of all threads, in seconds, as far as Linux tells it.
fn processor_time() -> Outcome<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
