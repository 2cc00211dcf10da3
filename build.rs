//! Compiles the little C++ that tch lacks, and lets this package's tests, examples and benchmarks find libtorch
//! without LD_LIBRARY_PATH: torch-sys says where it linked it, but can't put that into other crates' binaries.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB")
        && cfg!(unix)
    {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ARCH") == "x86_64" {
        const GRAPH: &str = "src/network/fused/graph.cpp";
        println!("cargo:rerun-if-changed={GRAPH}");
        cc::Build::new().cpp(true).std("c++17").file(GRAPH).compile("convscope_graph");
    }
}
