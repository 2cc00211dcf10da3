//! What the tests share.

use std::path::{Path, PathBuf};
use std::process::Command;

use convscope::attribution::Run;
use convscope::prelude::*;
use serde_json::Value;

pub type Tested = Result<(), Box<dyn std::error::Error>>;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of this test's own, empty.
pub fn scratch(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// A real file under CONVSCOPE_HOME, or `None` after saying that the test is skipped.
pub fn real(file: &str) -> Option<PathBuf> {
    let found = std::env::var_os("CONVSCOPE_HOME").map(|home| PathBuf::from(home).join(file));
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        skip(&format!("no {file} under CONVSCOPE_HOME"));
    }
    found
}

/// Says that something was not tested; `scripts/test` lists and counts such lines.
pub fn skip(why: &str) {
    println!("skipped: {why}");
}

/// The methods that look at a layer.
pub fn methods_at(layer: &str) -> Vec<Box<dyn Attribution>> {
    vec![
        Box::new(GradCam::at(layer)),
        Box::new(GradCamPlusPlus::at(layer)),
        Box::new(XGradCam::at(layer)),
        Box::new(HiResCam::at(layer)),
        Box::new(LayerCam::at(layer)),
        Box::new(FinerCam::at(layer)),
        Box::new(GuidedGradCam::at(layer)),
        Box::new(ScoreCam::at(layer).channels(2)),
        Box::new(AblationCam::at(layer).channels(2)),
    ]
}

const CHILD: &str = "CONVSCOPE_TEST_CHILD";

/// Whether this is the process that [`in_child`] started.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs a test of this binary again, in a process with other environment variables, and returns what
/// it printed.
pub fn in_child(test: &str, variables: &[(&str, &Path)]) -> String {
    let me = std::env::current_exe().expect("this test's path");
    let output = Command::new(me)
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("running a test in a child process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A photo with structure everywhere: colors, edges, fine texture.
pub fn painted(width: u32, height: u32) -> Photo {
    let pixels = image::RgbImage::from_fn(width, height, |x, y| {
        let (fx, fy) = (f64::from(x), f64::from(y));
        let wave = |a: f64, b: f64| (127.5 + 127.5 * (a * fx + b * fy).sin()) as u8;
        let disc = (fx - 0.4 * f64::from(width)).hypot(fy - 0.6 * f64::from(height));
        let disc = disc < 0.25 * f64::from(width.min(height));
        image::Rgb([wave(0.05, 0.02), if disc { 240 } else { wave(0.3, 0.11) }, wave(0.01, 0.4)])
    });
    Photo::from_image(pixels, "painted").expect("a painted photo")
}

/// What a method finds for a batch, as it gives it: `[N, C, H, W]`, or a layer's maps `[N, h, w]`.
pub fn values_of(
    method: &dyn Attribution,
    net: &Network,
    input: &Tensor,
    targets: &[Target],
) -> convscope::Result<Tensor> {
    Ok(method.attribute(&Run::new(net, input, targets)?)?.values)
}

/// The same as one map per image, `[N, H, W]` of the input's size.
pub fn maps_of(
    method: &dyn Attribution,
    net: &Network,
    input: &Tensor,
    targets: &[Target],
) -> convscope::Result<Tensor> {
    let size = [2, 3].map(|dim: usize| input.size()[dim]);
    method.attribute(&Run::new(net, input, targets)?)?.maps_at(size)
}

/// Replaces parameters of a network by the numbers given.
pub fn set(net: &Network, values: &[(&str, &Tensor)]) {
    for (name, value) in values {
        let parameters = net.state_dict();
        let (_, parameter) = parameters.iter().find(|(known, _)| known == name).expect(name);
        parameter.shallow_clone().copy_(&value.view_as(parameter));
    }
}

pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).reshape([-1])).expect("numbers")
}

/// Numbers from 0 to 1 by SplitMix64. libtorch's own generator is one for all tests that run beside
/// one another, so what it gives depends on them.
pub fn random(shape: &[i64], seed: u64) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / (1u64 << 24) as f64
    };
    let count: i64 = shape.iter().product();
    Tensor::from_slice(&(0..count).map(|_| next()).collect::<Vec<f64>>()).view(shape)
}

/// The largest absolute difference.
pub fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a.to_kind(Kind::Double) - b.to_kind(Kind::Double)).abs().max().double_value(&[])
}

pub fn cpu(kind: Kind) -> (Kind, Device) {
    (kind, Device::Cpu)
}

/// Network O of Captum's tests and the input that its figures are for.
pub fn network_o() -> (Network, Tensor) {
    let mut b = Network::builder("o", [1, 4, 4]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(2, 3));
    let x = b.relu(x, "relu1");
    let x = b.flatten(x, "flatten");
    let x = b.linear(x, "fc", 4);
    b.relu(x, "relu2");
    let net = b.build().expect("Network O");
    let row = Tensor::from_slice(&[1f32, 1., 1., 1., 1., -1., -1., -1.]);
    set(
        &net,
        &[
            ("conv.weight", &Tensor::ones([18], cpu(Kind::Float))),
            ("conv.bias", &Tensor::from_slice(&[-50f32, -75.])),
            ("fc.weight", &row.repeat([4])),
            ("fc.bias", &Tensor::zeros([4], cpu(Kind::Float))),
        ],
    );
    let input = Tensor::arange(16, cpu(Kind::Float)).view([1, 1, 4, 4]);
    (net, input)
}

/// A figure's Vega specification.
pub fn spec_of(figure: &impl Figure) -> convscope::Result<Value> {
    Ok(figure.bundle()?.vega.expect("a Vega specification"))
}

/// The lines under a figure's title.
pub fn subtitle(figure: &impl Figure) -> convscope::Result<String> {
    Ok(spec_of(figure)?["title"]["subtitle"].to_string())
}
