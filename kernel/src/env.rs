//! `convscope env`: what a shell needs so that `cargo run` finds libtorch in any project.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::installation::Installation;
use crate::libtorch::{self, LIBRARY_PATH_VAR, Libtorch};
use crate::location::Place;

pub(crate) fn env(place: &Place) -> Result<ExitCode> {
    let libtorch = match Installation::load(&place.state) {
        Ok(installation) => installation.libtorch,
        Err(_) => libtorch::find()?,
    };
    Libtorch::inspect(&libtorch)?;
    println!("{}", export("LIBTORCH", &quoted(&libtorch)));
    println!("{}", ahead_of(LIBRARY_PATH_VAR, &libtorch::lib_dir(&libtorch)));
    if let Some(tools) = env::current_exe()?.parent() {
        println!("{}", ahead_of("PATH", tools));
    }
    Ok(ExitCode::SUCCESS)
}

fn export(name: &str, value: &str) -> String {
    format!("export {name}={value}")
}

/// Puts a folder at the head of a list, once: the line may be evaluated again and again.
fn ahead_of(name: &str, folder: &Path) -> String {
    let folder = quoted(folder);
    let list = format!("{folder}${{{name}:+\":${name}\"}}");
    format!("case \":${{{name}:-}}:\" in *:{folder}:*) ;; *) {} ;; esac", export(name, &list))
}

/// As one word of sh, bash and zsh, whatever is in it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_gets_the_folder_once_whatever_its_name() {
        for folder in ["/plain", "/with a space", "/it's $HOME * [a] \"q\""] {
            let line = ahead_of("LIST", Path::new(folder));
            let alone = folder.to_owned();
            let ahead = format!("{folder}:/other");
            for (before, after) in [("unset LIST", alone), ("LIST=/other", ahead)] {
                let script = format!("set -u; {before}; {line}; {line}; printf %s \"$LIST\"");
                let output = Command::new("sh").args(["-c", &script]).output().unwrap();
                assert_eq!(String::from_utf8(output.stdout).unwrap(), after, "{script}");
            }
        }
    }
}
