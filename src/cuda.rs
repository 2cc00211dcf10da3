//! libtorch's CUDA half, loaded where there is an NVIDIA driver.
//!
//! That half is a library of its own, `libtorch_cuda.so`, to which no Rust code refers; so the linker
//! leaves it out of every program, and libtorch then says that there is no GPU. Python loads it by
//! itself. Here it is done before `main`, because libtorch asks for it only once.

#![allow(unsafe_code, reason = "a library is loaded, before `main`")]

/// Where the NVIDIA driver tells its version, when it is running.
const DRIVER: &str = "/proc/driver/nvidia/version";

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = load;

extern "C" fn load() {
    if !std::path::Path::new(DRIVER).exists() {
        return;
    }
    // SAFETY: the name ends in a zero byte, and loading a library that PyTorch loads itself is
    // sound. Where it is not there (a libtorch for the CPU), nothing happens.
    unsafe {
        libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_LAZY | libc::RTLD_GLOBAL);
    }
}
