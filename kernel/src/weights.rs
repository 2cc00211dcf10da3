//! `convscope weights`: official weights from the command line, as before a lesson or in an image.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use convscope_weights::{Lines, Official, catalog, find, weights_folder};

#[derive(Subcommand)]
pub(crate) enum Weights {
    /// List the networks that have official weights, and which of them are here.
    List,
    /// Fetch official weights, unless they are here.
    Pull {
        /// Networks, as `list` names them.
        #[arg(value_name = "NAME", value_parser = names(), hide_possible_values = true)]
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// Those of every network: several GB.
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Print where weights lie: the folder, or a network's file.
    Path {
        /// A network, as `list` names it.
        #[arg(value_name = "NAME", value_parser = names(), hide_possible_values = true)]
        name: Option<String>,
    },
}

/// clap answers any other name with the nearest of these.
fn names() -> PossibleValuesParser {
    catalog().iter().map(|official| official.name).collect::<Vec<_>>().into()
}

pub(crate) fn weights(command: Weights) -> Result<ExitCode> {
    let folder = weights_folder()?;
    match command {
        Weights::List => list(&folder),
        Weights::Pull { names, all } => {
            let wanted: Vec<_> = match all {
                true => catalog().iter().collect(),
                false => names.iter().filter_map(|name| find(name)).collect(),
            };
            return Ok(pull(&wanted, &folder));
        }
        Weights::Path { name: None } => println!("{}", folder.display()),
        Weights::Path { name: Some(name) } => {
            let lines = Lines::new(|line: &str| eprintln!("{line}"));
            let file = find(&name).and_then(|official| {
                official.find_in(&folder).or_else(|| official.find_in_hub(&lines))
            });
            let Some(file) = file else {
                bail!(
                    "no weights for {name} in {}: `convscope weights pull {name}`",
                    folder.display()
                );
            };
            println!("{}", file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(folder: &Path) {
    println!("in {}:", folder.display());
    for official in catalog() {
        let name = |path: Option<PathBuf>| Some(path?.file_name()?.to_string_lossy().into_owned());
        let here = name(official.find_in(folder));
        let file = here.or_else(|| Some(format!("{} (PyTorch's)", name(official.hub_file())?)));
        println!(
            "{:<15} {:<24} {:>5.1} MB  {}",
            official.name,
            official.title,
            official.megabytes,
            file.unwrap_or_else(|| "–".to_owned()),
        );
    }
}

/// One that can't be had does not keep the others from being fetched.
fn pull(wanted: &[&Official], folder: &Path) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for official in wanted {
        match official.obtain(folder, &Lines::new(|line| eprintln!("{line}"))) {
            Ok(file) => println!("{}: {}", official.name, file.display()),
            Err(error) => {
                eprintln!("convscope: no weights for {}: {error}", official.name);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
