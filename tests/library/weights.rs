//! Weights files that don't fit, and those that are not there.

use std::fs;
use std::path::Path;

use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, in_child, is_child, scratch};
use crate::oracle::Script;

fn refused(path: &Path) -> String {
    zoo::untrained("resnet18")
        .and_then(|net| net.load_weights(path))
        .expect_err("not resnet18's weights")
        .to_string()
}

#[test]
fn what_is_no_weights_file_is_said_to_be_none() -> Tested {
    let folder = scratch("no_weights");
    let path = folder.join("w.safetensors");
    for (content, word) in [
        (&b""[..], "empty"),
        (b"<html>a proxy's page</html>", "neither safetensors nor a state_dict"),
        (&[0x80, 2, 0x8a, 10, 1, 2, 3, 4, 5, 6], "truncated"),
        (b"PK\x03\x04 and nothing more", "truncated"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{", "broken or truncated"),
        (b"x", "neither"),
    ] {
        fs::write(&path, content)?;
        let error = refused(&path);
        assert!(error.contains(word) && error.contains("w.safetensors"), "{error}");
    }
    assert!(refused(&folder.join("absent.pth")).contains("absent.pth"));
    assert!(refused(&folder).contains("no_weights"), "a folder is no file");
    Ok(())
}

#[test]
fn a_truncated_safetensors_file_is_refused() -> Tested {
    let path = scratch("truncated").join("resnet18.safetensors");
    Tensor::write_safetensors(
        &[("conv1.weight", Tensor::zeros([64, 3, 7, 7], cpu(Kind::Float)))],
        &path,
    )?;
    let whole = fs::read(&path)?;
    fs::write(&path, &whole[..whole.len() - 100])?;
    assert!(refused(&path).contains("truncated"));
    Ok(())
}

#[test]
fn another_networks_file_is_refused_with_every_misfit() -> Tested {
    let path = scratch("other_network").join("w.safetensors");
    let tensors = [
        ("conv1.weight", Tensor::zeros([64, 1, 7, 7], cpu(Kind::Float))),
        ("head.bias", Tensor::zeros([3], cpu(Kind::Float))),
    ];
    Tensor::write_safetensors(&tensors, &path)?;
    let error = refused(&path);
    assert!(error.contains("conv1.weight (should be [64, 3, 7, 7], is [64, 1, 7, 7])"), "{error}");
    assert!(
        error.contains("missing (101): bn1.bias, bn1.running_mean,") && error.contains(", …\n"),
        "{error}"
    );
    Ok(())
}

/// The network of tests/parity/formats.py.
pub fn small() -> Network {
    let mut b = Network::builder("small", [1, 4, 4]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(2, 3));
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    b.build().expect("a small network")
}

#[test]
fn missing_extra_and_misshapen_parameters_are_named_at_once() -> Tested {
    let path = scratch("misfits").join("w.safetensors");
    let zeros = |shape: &[i64]| Tensor::zeros(shape, cpu(Kind::Float));
    let tensors = [
        ("conv.weight", zeros(&[2, 1, 3, 3])),
        ("conv.bias", zeros(&[5])),
        ("fc.weight", zeros(&[3, 2])),
        ("head.bias", zeros(&[3])),
    ];
    Tensor::write_safetensors(&tensors, &path)?;
    let error = small().load_weights(&path).expect_err("no fit").to_string();
    for problem in [
        "has 4 parameters",
        "of another shape (1): conv.bias (should be [2], is [5])",
        "missing (1): fc.bias",
        "not of this network (1): head.bias",
    ] {
        assert!(error.contains(problem), "{problem}: {error}");
    }
    Ok(())
}

#[test]
fn however_much_does_not_fit_the_message_ends() -> Tested {
    let path = scratch("long_names").join("w.safetensors");
    let zeros = || Tensor::zeros([1], cpu(Kind::Float));
    let long = |digit: i64| format!("{digit}{}", "n".repeat(10_000));
    let tensors: Vec<_> = (0..500).map(|digit| (long(digit), zeros())).collect();
    Tensor::write_safetensors(&tensors, &path)?;
    let error = zoo::untrained("resnet101")?.load_weights(&path).expect_err("no fit").to_string();
    for part in ["missing (522): bn1.bias", "not of this network (500)", "another network's file"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(error.chars().count() < 4500, "{} characters", error.len());
    Ok(())
}

#[test]
fn threads_that_save_to_one_path_do_not_tear_the_file() -> Tested {
    let path = scratch("saved_at_once").join("w.safetensors");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    small().save_weights(&path).expect("saved");
                    small().load_weights(&path).expect("whole");
                }
            });
        }
    });
    assert_eq!(fs::read_dir(path.parent().expect("a folder"))?.count(), 1);
    Ok(())
}

#[test]
fn every_precision_becomes_float32() -> Tested {
    let folder = scratch("precision");
    let values = [[2f64.powi(-24), 65504.0], [1.0 / 3.0, -0.0]];
    for kind in [Kind::Half, Kind::BFloat16, Kind::Float, Kind::Double] {
        let path = folder.join("w.safetensors");
        let tensors: Vec<_> = small()
            .state_dict()
            .into_iter()
            .map(|(name, tensor)| {
                let count = tensor.numel() as i64;
                let numbers = Tensor::from_slice2(&values).reshape([-1]).repeat([count]);
                (name, numbers.slice(0, 0, count, 1).to_kind(kind).view_as(&tensor))
            })
            .collect();
        Tensor::write_safetensors(&tensors, &path)?;
        let net = small().load_weights(&path)?;
        for ((name, loaded), (_, written)) in net.state_dict().iter().zip(&tensors) {
            assert_eq!(loaded.kind(), Kind::Float);
            assert_eq!(difference(loaded, &written.to_kind(Kind::Float)), 0.0, "{name}, {kind:?}");
        }
    }
    Ok(())
}

#[test]
fn whatever_torch_save_writes_is_read_exactly() -> Tested {
    let Some(oracle) = Script::new("formats.py").run() else { return Ok(()) };
    let numbers = oracle.arrays();
    for kind in ["float16", "bfloat16", "float32", "float64"] {
        for form in [
            "safetensors",
            "plain.pth",
            "plain.legacy.pth",
            "checkpoint.pth",
            "checkpoint.legacy.pth",
            "model.pth",
            "model.legacy.pth",
        ] {
            let file = format!("{kind}.{form}");
            let net = small().load_weights(oracle.file(&file))?;
            for (name, tensor) in net.state_dict() {
                let off = difference(&tensor, &numbers[&format!("{kind}.{name}")]);
                assert_eq!(off, 0.0, "{name} of {file}");
            }
        }
    }
    Ok(())
}

#[test]
fn every_network_of_the_zoo_has_official_weights() {
    let catalog: Vec<&str> = convscope_weights::catalog().iter().map(|o| o.name).collect();
    assert_eq!(zoo::names(), catalog);
}

#[test]
fn offline_and_absent_names_file_folder_and_address() {
    if is_child() {
        println!("{}", zoo::resnet18().expect_err("no weights in an empty home"));
        return;
    }
    let home = scratch("offline_home");
    let text = in_child(
        "weights::offline_and_absent_names_file_folder_and_address",
        &[("CONVSCOPE_HOME", &home), ("TORCH_HOME", &home), ("CONVSCOPE_OFFLINE", Path::new("1"))],
    );
    let weights = home.join("weights").display().to_string();
    for word in ["resnet18.safetensors", &weights, "https://", "resnet18-f37072fd.pth", "OFFLINE"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

#[test]
fn a_mirror_that_is_not_there_is_named_and_so_is_the_official_address() {
    if is_child() {
        println!("{}", zoo::resnet18().expect_err("nobody listens at port 1"));
        return;
    }
    let text = in_child(
        "weights::a_mirror_that_is_not_there_is_named_and_so_is_the_official_address",
        &[
            ("CONVSCOPE_HOME", &scratch("mirror_home")),
            ("TORCH_HOME", &scratch("mirror_torch")),
            ("CONVSCOPE_MIRROR", Path::new("http://127.0.0.1:1/files/")),
            ("CONVSCOPE_OFFLINE", Path::new("0")),
        ],
    );
    for word in [
        "http://127.0.0.1:1/files/resnet18-f37072fd.pth failed",
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        "CONVSCOPE_HOME",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

/// Listens as a proxy that lets nobody through.
fn refusing_proxy() -> std::io::Result<String> {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(&stream).lines().map_while(Result::ok);
            let _ = head.take_while(|line| !line.is_empty()).count();
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    Ok(address)
}

#[test]
fn a_proxy_that_refuses_is_called_so_without_its_password() -> Tested {
    if is_child() {
        println!("{}", zoo::resnet18().expect_err("the proxy lets nobody through"));
        return Ok(());
    }
    let proxy = format!("http://someone:s3cret@{}", refusing_proxy()?);
    let text = in_child(
        "weights::a_proxy_that_refuses_is_called_so_without_its_password",
        &[
            ("CONVSCOPE_HOME", &scratch("proxy_home")),
            ("TORCH_HOME", &scratch("proxy_torch")),
            ("CONVSCOPE_MIRROR", Path::new("http://teacher:s3cret@mirror.invalid:8000/")),
            ("CONVSCOPE_OFFLINE", Path::new("0")),
            ("ALL_PROXY", Path::new(&proxy)),
            ("NO_PROXY", Path::new("")),
        ],
    );
    for word in ["http://mirror.invalid:8000/resnet18-f37072fd.pth failed", "403", "NO_PROXY"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
    Ok(())
}
