//! Crates that are compiled into the warm build beside the library: `convscope install --with`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::installation::{Installation, write};
use crate::package::{self, write_package};
use crate::versions::Versions;

/// What stands after `:dep`, by the crate's name: `"0.16"`, or `{ version = "1", features = ["derive"] }`.
pub(crate) type Crates = BTreeMap<String, String>;

/// Reads `ndarray`, `ndarray=0.16`, `ndarray@0.16`, each perhaps with `,features=rayon,serde`; or what a
/// notebook writes after `:dep`.
pub(crate) fn parse(text: &str) -> Result<(String, String)> {
    let text = text.trim();
    let end = text.find(|letter: char| !is_of_name(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim();
    if name.is_empty() {
        bail!("`--with {text}` names no crate: write `--with ndarray=0.16`");
    }
    if name == "convscope" {
        bail!("`--with {text}`: convscope is always there; `--crate DIR` says where it comes from");
    }
    let value = rest.strip_prefix(['=', '@']).unwrap_or(rest).trim();
    if text.chars().any(char::is_control) {
        bail!("`--with {}` is more than one line", text.escape_debug());
    }
    if value.starts_with(['{', '"']) {
        return Ok((name.to_owned(), checked(text, value)?));
    }
    let (version, features) = match value.split_once("features=") {
        Some((version, features)) => (version.trim().trim_end_matches(','), Some(features)),
        None => (value, None),
    };
    let version = if version.is_empty() { "*" } else { version };
    let is_version =
        |letter: char| letter.is_ascii_alphanumeric() || " .,*^~<>=+-".contains(letter);
    let is_feature = |letter: char| is_of_name(letter) || "/?+.".contains(letter);
    let bad_rest = !rest.is_empty() && !rest.starts_with(['=', '@', ',']);
    let features: Option<Vec<&str>> =
        features.map(|list| list.split([',', ' ']).filter(|name| !name.is_empty()).collect());
    let bad_feature = features.iter().flatten().any(|name| !name.chars().all(is_feature));
    let begins =
        version.starts_with(|letter: char| letter.is_ascii_digit() || "*^~<>=".contains(letter));
    if bad_rest || bad_feature || !begins || !version.chars().all(is_version) {
        bail!(
            "`--with {text}` can't be read: write `--with {name}=1.2`, `--with \
             {name}=1.2,features=one,two`, or in quotes what a notebook has after `:dep`"
        );
    }
    let value = match features {
        Some(names) => format!("{{ version = {version:?}, features = {names:?} }}"),
        None => format!("{version:?}"),
    };
    Ok((name.to_owned(), value))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// The text after `:dep` as it is, unless it would mean something else in each folder.
fn checked(text: &str, value: &str) -> Result<String> {
    let path = value.split("path").skip(1).find_map(|rest| {
        let text = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        text.split('"').next()
    });
    if let Some(path) = path
        && !Path::new(path).is_absolute()
    {
        bail!(
            "`--with {text}`: notebooks are started in many folders, so {path} must be a whole path"
        );
    }
    Ok(value.to_owned())
}

/// As lines of a `Cargo.toml`.
fn lines(crates: &Crates) -> Vec<String> {
    crates.iter().map(|(name, value)| format!("{name} = {value}")).collect()
}

/// The crates in one line, for people.
pub(crate) fn in_words(crates: &Crates) -> String {
    lines(crates).join(", ")
}

/// Chooses the versions of all crates, before anything is compiled in vain.
pub(crate) async fn choose_versions(installation: &Installation, dir: &Path) -> Result<()> {
    if installation.with.is_empty() {
        return Ok(());
    }
    let mut dependencies = lines(&installation.with);
    dependencies.push(installation.source.dependency()?);
    write_package(dir, &dependencies)?;
    write(&dir.join("Cargo.lock"), &Versions::known_to(dir).to_lock())?;
    let output = package::cargo(installation, dir, "metadata")?
        .arg("--format-version=1")
        .output()
        .await
        .context("can't run cargo: install Rust from https://rustup.rs")?;
    if !output.status.success() {
        bail!(resolution_fault(&String::from_utf8_lossy(&output.stderr)));
    }
    Versions::read(&dir.join("Cargo.lock")).make_known_to(dir)
}

/// Compiles the crates as notebooks ask for them: each alone, each beside the library, all together.
/// Which features the crates below have, and so their compiled form, depends on who asks for them.
pub(crate) async fn compile(
    installation: &Installation,
    dir: &Path,
    mut on_line: impl FnMut(&str),
) -> Result<()> {
    if installation.with.is_empty() {
        return Ok(());
    }
    let library = installation.source.dependency()?;
    let all = lines(&installation.with);
    let mut sets: Vec<Vec<String>> = Vec::new();
    for line in &all {
        sets.push(vec![line.clone()]);
        sets.push(vec![line.clone(), library.clone()]);
    }
    sets.push([all, vec![library]].concat());
    sets.dedup();
    for set in sets {
        write_package(dir, &set)?;
        for subcommand in ["build", "check"] {
            // Cargo leaves only what the set needs.
            write(&dir.join("Cargo.lock"), &Versions::known_to(dir).to_lock())?;
            run(installation, dir, subcommand, &mut on_line).await?;
        }
    }
    Ok(())
}

async fn run(
    installation: &Installation,
    dir: &Path,
    subcommand: &str,
    on_line: &mut impl FnMut(&str),
) -> Result<()> {
    let mut process = package::cargo(installation, dir, subcommand)?
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("can't run cargo: install Rust from https://rustup.rs")?;
    let stderr = process.stderr.take().context("cargo has no stderr")?;
    let mut lines = BufReader::new(stderr).split(b'\n');
    let mut text = String::new();
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line);
        on_line(&line);
        text.push_str(&line);
        text.push('\n');
    }
    if !process.wait().await?.success() {
        bail!(compile_fault(&text));
    }
    Ok(())
}

/// What cargo has against the choice of crates, in a sentence.
fn resolution_fault(text: &str) -> String {
    let quoted = |after: &str| Some(text.split(after).nth(1)?.split('`').next()?.to_owned());
    if OFFLINE.iter().any(|words| text.contains(words)) {
        return "crates.io can't be reached, and what `--with` asks for is not here yet: try again with a \
                network"
            .to_owned();
    }
    if let Some(name) = quoted("no matching package named `") {
        return format!("there is no crate `{name}`, for which `--with` asks");
    }
    if let Some(wanted) = quoted("failed to select a version for the requirement `") {
        let there = text.split("candidate versions found which didn't match: ").nth(1);
        let there = there.and_then(|list| list.lines().next()).unwrap_or_default();
        let there = if there.is_empty() { String::new() } else { format!("; there are {there}") };
        return format!("no version of the crate is `{wanted}`, for which `--with` asks{there}");
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let errors = lines.iter().position(|line| line.starts_with("error"));
    let words = lines.get(errors.unwrap_or(0)..).unwrap_or_default();
    let words = words.iter().take(6).copied().collect::<Vec<_>>().join("; ");
    format!("cargo can't choose versions for `--with`: {}", words.trim_start_matches("error: "))
}

/// What cargo says without a network.
const OFFLINE: [&str; 6] = [
    "Could not resolve host",
    "Couldn't resolve host",
    "Could not connect",
    "failed to download from",
    "index.crates.io/config.json`",
    "but --offline was specified",
];

/// Which crate does not compile, and the first reasons.
fn compile_fault(text: &str) -> String {
    if OFFLINE.iter().any(|words| text.contains(words)) {
        return resolution_fault(text);
    }
    let names = ["could not compile `", "failed to run custom build command for `"];
    let name = names.iter().find_map(|words| text.split(words).nth(1)?.split('`').next());
    let what = match name {
        Some(name) => format!("the crate {name} does not compile, for which `--with` asks"),
        None => "what `--with` asks for does not compile".to_owned(),
    };
    let errors = text.lines().skip_while(|line| !line.starts_with("error")).take(20);
    format!("{what}:\n{}", errors.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_written_in_any_usual_way() {
        for (text, name, value) in [
            ("ndarray", "ndarray", "\"*\""),
            ("ndarray=0.16", "ndarray", "\"0.16\""),
            ("ndarray@=0.16.1", "ndarray", "\"=0.16.1\""),
            ("rand = >=0.8, <0.10", "rand", "\">=0.8, <0.10\""),
            ("rand = \"0.9\"", "rand", "\"0.9\""),
            (
                "serde=1,features=derive,rc",
                "serde",
                "{ version = \"1\", features = [\"derive\", \"rc\"] }",
            ),
            ("serde,features=derive", "serde", "{ version = \"*\", features = [\"derive\"] }"),
            ("mine = { path = \"/a/b\" }", "mine", "{ path = \"/a/b\" }"),
            ("a = { features = [\"path-x\"] }", "a", "{ features = [\"path-x\"] }"),
        ] {
            assert_eq!(parse(text).unwrap(), (name.to_owned(), value.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_crate_is_refused() {
        for text in [
            "",
            "=1",
            "convscope=1",
            "a b",
            "a=1\"",
            "a=1\nb=2",
            "a,b",
            "a=1;b",
            "../a",
            "a = { path = \"../a\" }",
            "a=1,features=x\"",
        ] {
            assert!(parse(text).unwrap_err().to_string().contains("--with"), "{text}");
        }
    }

    #[test]
    fn faults_are_a_sentence() {
        let missing =
            "error: no matching package named `nosuch` found\nlocation searched: crates.io index";
        assert_eq!(
            resolution_fault(missing),
            "there is no crate `nosuch`, for which `--with` asks"
        );
        let version = "error: failed to select a version for the requirement `itoa = \"^99\"`\n\
             candidate versions found which didn't match: 1.0.18, 1.0.17, ...\nlocation searched";
        assert!(resolution_fault(version).ends_with("there are 1.0.18, 1.0.17, ..."));
        let compile = "warning: x\nerror[E1]: y\nerror: could not compile `bad` (lib)";
        assert!(compile_fault(compile).starts_with("the crate bad does not compile"));
    }
}
