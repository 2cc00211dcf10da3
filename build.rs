//! Lets this package's tests, examples and benchmarks find libtorch without LD_LIBRARY_PATH:
//! torch-sys says where it linked it, but can't put that into other crates' binaries.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB")
        && cfg!(unix)
    {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
