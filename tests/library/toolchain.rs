//! Versions that must match are written once in kernel/versions.env; what repeats them must agree.

use crate::helpers::root;

#[test]
fn cargo_toml_agrees_with_versions_env() {
    let versions =
        std::fs::read_to_string(root().join("kernel/versions.env")).expect("versions.env");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let tch = versions.lines().find_map(|line| line.strip_prefix("TCH=")).expect("TCH");
    for crate_name in ["tch", "torch-sys"] {
        let pinned = format!("{crate_name} = {{ version = \"={tch}\"");
        assert!(manifest.contains(&pinned), "Cargo.toml should have {pinned}");
    }
}
