//! Where weights are found: in a file beside others, in a file of another network, in PyTorch's cache.

use std::fs;
use std::path::Path;

use convscope::prelude::*;

use crate::helpers::{Tested, cpu, in_child, is_child, real, scratch};
use crate::weights::small;

/// The network's parameters, all of them this number, under this prefix.
fn parameters(prefix: &str, number: f64) -> Vec<(String, Tensor)> {
    let full = |tensor: &Tensor| tensor.full_like(number);
    small().state_dict().iter().map(|(name, t)| (format!("{prefix}{name}"), full(t))).collect()
}

fn one(name: &str) -> (String, Tensor) {
    (name.to_owned(), Tensor::ones([2, 2], cpu(Kind::Float)))
}

#[test]
fn what_was_done_is_said_in_a_line_or_nothing_where_nothing_was() -> Tested {
    if !is_child() {
        let out = in_child(
            "weights_found::what_was_done_is_said_in_a_line_or_nothing_where_nothing_was",
            &[("EVCXR_IS_RUNTIME", Path::new("1"))],
        );
        let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("Weights of")).collect();
        assert_eq!(
            lines,
            [
                "Weights of w.safetensors: names without `module._orig_mod.`",
                "Weights of w.safetensors: names without `teacher.`; not used (5): queue, \
                 student.conv.bias, student.conv.weight, student.fc.bias, student.fc.weight",
                "Weights of w.safetensors: not used (6): head0.weight, head1.weight, head2.weight, \
                 head3.weight, head4.weight, …",
                "Weights of these tensors: names without `net.`",
            ]
        );
        return Ok(());
    }
    let path = scratch("said").join("w.safetensors");
    let counts = vec![one("conv.num_batches_tracked"), one("conv.total_ops")];
    let heads = (0..6).map(|number| one(&format!("head{number}.weight"))).collect();
    for parts in [
        vec![parameters("", 1.0), counts],
        vec![parameters("module._orig_mod.", 1.0)],
        vec![parameters("student.", 2.0), parameters("teacher.", 1.0), vec![one("queue")]],
        vec![parameters("", 1.0), heads],
    ] {
        let tensors: Vec<_> = parts.into_iter().flatten().collect();
        Tensor::write_safetensors(&tensors, &path)?;
        let net = small().load_weights(&path)?;
        let (_, weight) = &net.state_dict()[0];
        assert_eq!((weight.min().double_value(&[]), weight.max().double_value(&[])), (1.0, 1.0));
    }
    small().load_tensors(parameters("net.", 1.0))?;
    Ok(())
}

#[test]
fn a_deeper_network_is_not_taken_for_this_one() -> Tested {
    let folder = scratch("deeper");
    let deeper = folder.join("resnet34.safetensors");
    zoo::untrained("resnet34")?.save_weights(&deeper)?;
    let error = zoo::untrained("resnet18")?.load_weights(&deeper).expect_err("deeper").to_string();
    assert!(error.contains("not of this network (80): layer1.2.bn1.bias,"), "{error}");
    assert!(!error.contains("missing") && error.contains("another network's file"), "{error}");
    for extra in ["conv2.weight", "fc3.weight", "conv.1.weight", "register_tokens"] {
        let path = folder.join("w.safetensors");
        let mut tensors = parameters("module.", 1.0);
        tensors.push(one(&format!("module.{extra}")));
        Tensor::write_safetensors(&tensors, &path)?;
        let error = small().load_weights(&path).expect_err(extra).to_string();
        assert!(error.contains(&format!("not of this network (1): module.{extra}")), "{error}");
    }
    Ok(())
}

#[test]
fn a_head_of_another_size_is_named_with_the_remedy() -> Tested {
    let path = scratch("head").join("w.safetensors");
    let net = zoo::untrained("resnet18")?;
    let tensors = net.state_dict().into_iter().map(|(name, tensor)| {
        let head = name.starts_with("fc.").then(|| tensor.narrow(0, 0, 5));
        (format!("model.{name}"), head.unwrap_or(tensor).contiguous())
    });
    Tensor::write_safetensors(&tensors.collect::<Vec<_>>(), &path)?;
    let error = zoo::untrained("resnet18")?.load_weights(&path).expect_err("no fit").to_string();
    for part in [
        "everything fits resnet18 but the head (names without `model.`)",
        "`fc` has 5 outputs in the file, 1000 in the network",
        "`net.with_head(5)?.load_weights(…)`",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    Ok(())
}

#[test]
fn dimensions_of_one_may_be_missing_at_the_end() -> Tested {
    let path = scratch("trailing").join("w.safetensors");
    let mut b = Network::builder("wide", [2, 4, 4]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(3, 1).no_bias());
    let x = b.global_avg_pool(x, "pool");
    b.flatten(x, "flatten");
    let net = b.build()?;
    let weight = Tensor::arange(6, cpu(Kind::Float));
    Tensor::write_safetensors(&[("conv.weight", weight.view([3, 2]))], &path)?;
    let net = net.load_weights(&path)?;
    assert_eq!(net.state_dict()[0].1.size(), [3, 2, 1, 1]);
    assert_eq!(net.state_dict()[0].1.reshape([6]), weight);
    Tensor::write_safetensors(&[("conv.weight", weight.view([1, 3, 2]))], &path)?;
    assert!(net.load_weights(&path).is_err());
    Ok(())
}

#[test]
fn pytorchs_cache_is_looked_into_before_anything_is_fetched() -> Tested {
    if is_child() {
        match zoo::cifar_resnet20() {
            Ok(net) => println!("opened {}", net.name()),
            Err(error) => println!("{error}"),
        }
        return Ok(());
    }
    let (home, cache) = (scratch("hub_home"), scratch("hub_cache"));
    let folder = cache.join("torch/hub/checkpoints");
    fs::create_dir_all(&folder)?;
    let file = folder.join("resnet20-12fca82f.th");
    let opened = |torch: &Path, xdg: &Path| {
        in_child(
            "weights_found::pytorchs_cache_is_looked_into_before_anything_is_fetched",
            &[
                ("CONVSCOPE_HOME", &home),
                ("CONVSCOPE_OFFLINE", Path::new("1")),
                ("TORCH_HOME", torch),
                ("XDG_CACHE_HOME", xdg),
                ("EVCXR_IS_RUNTIME", Path::new("1")),
            ],
        )
    };
    fs::write(&file, "not the official file")?;
    let text = opened(&cache.join("torch"), &home);
    for part in ["resnet20-12fca82f.th is not used: its checksum is not", "no weights for cifar"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let Some(official) = real("weights/official/resnet20-12fca82f.th") else { return Ok(()) };
    fs::copy(official, &file)?;
    for (torch, xdg) in [(cache.join("torch"), home.clone()), ("".into(), cache.clone())] {
        let text = opened(&torch, &xdg);
        assert!(text.contains("opened cifar_resnet20"), "{text}");
        assert!(!text.contains("Weights of") && !text.contains("Fetching"), "{text}");
    }
    assert_eq!(fs::read_dir(&home)?.count() + fs::read_dir(&folder)?.count(), 1);
    Ok(())
}
