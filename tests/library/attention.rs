//! Attention of vision transformers: identities, other implementations, figures, and what is refused.

use convscope::attribution::{attention_rollout_tensor, attention_tensor};
use convscope::network::ops::{Flatten, Permute, Pointwise, Select};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, painted, real, values_of};
use crate::oracle::{Arrays, Script};

/// Two blocks over patches of 4×4 pixels, not square, with so many tokens before the patches.
fn small_vit(extra: i64, heads: i64) -> convscope::Result<Network> {
    tch::manual_seed(8);
    let width = 8;
    let mut b = Network::builder("small", [1, 8, 20]);
    let patches = b.conv2d(b.input(), "patches", Conv2d::new(width, 4).stride(4));
    let patches = b.op("flat", Flatten { from: 2 }, &[patches]);
    let mut x = b.op("tokens", Permute { order: vec![0, 2, 1] }, &[patches]);
    if extra > 0 {
        let first = b.parameter("first", &[1, extra, width], 0.5);
        x = b.concat(&[first, x], "all");
    }
    for block in 0..2 {
        let mixed = b.self_attention(x, &format!("block{block}.attention"), heads);
        let mixed = b.pointwise(mixed, &format!("block{block}.gelu"), Pointwise::Gelu);
        x = b.add(x, mixed, &format!("block{block}"));
    }
    let x = b.op("class", Select { dim: 1, index: 0 }, &[x]);
    b.linear(x, "head", 3);
    b.build()?.to_kind(Kind::Double)
}

#[test]
fn maps_lie_on_the_grid_whatever_stands_before_the_patches() -> Tested {
    let input = Tensor::randn([3, 1, 8, 20], cpu(Kind::Double));
    for extra in [0, 1, 5] {
        let net = small_vit(extra, 2)?;
        let found = attention_tensor(&net, &input)?;
        assert_eq!(found.size(), [3, 2, 2, 2, 5], "[N, layers, heads, h, w]");
        let name = "block1.attention.attention";
        let whole = net.activations(&input, &[name])?.remove(0);
        let rows = if extra == 0 { whole.mean_dim(2, false, None) } else { whole.select(2, 0) };
        let patches = rows.narrow(2, extra, 10).reshape([3, 2, 2, 5]);
        assert_eq!(difference(&found.select(1, 1), &patches), 0.0);
        let rollout = attention_rollout_tensor(&net, &input, Rollout::default())?;
        assert_eq!(rollout.size(), [3, 2, 5]);
        let sum = rollout.sum_dim_intlist([1_i64, 2].as_slice(), false, Kind::Double);
        assert!(sum.max().double_value(&[]) < 1.0 + 1e-12, "the rest is the other tokens'");
        let targets = [Target::Class(0), Target::Top, Target::layer("block0")];
        let weighted = values_of(&GradientAttention, &net, &input, &vec![targets[0].clone(); 3])?;
        assert_eq!(weighted.size(), [3, 2, 5]);
        assert!(weighted.min().double_value(&[]) >= 0.0);
        assert!(weighted.max().double_value(&[]) > 0.0);
        // A target within the network has only the attention before it.
        let early = values_of(&GradientAttention, &net, &input, &vec![targets[2].clone(); 3])?;
        assert_eq!(early.size(), [3, 2, 5]);
        // One picture of a batch does not touch another.
        let alone = values_of(&GradientAttention, &net, &input.narrow(0, 2, 1), &targets[..1])?;
        assert!(difference(&alone, &weighted.narrow(0, 2, 1)) < 1e-14);
    }
    Ok(())
}

/// With one head and one block, what is followed is that block alone.
#[test]
fn rollout_of_one_layer_is_half_its_attention() -> Tested {
    let mut b = Network::builder("one", [1, 4, 8]);
    let patches = b.conv2d(b.input(), "patches", Conv2d::new(4, 2).stride(2));
    let patches = b.op("flat", Flatten { from: 2 }, &[patches]);
    let x = b.op("tokens", Permute { order: vec![0, 2, 1] }, &[patches]);
    let first = b.parameter("class_token", &[1, 1, 4], 0.5);
    let x = b.concat(&[first, x], "all");
    let x = b.self_attention(x, "attend", 1);
    let x = b.op("class", Select { dim: 1, index: 0 }, &[x]);
    b.linear(x, "head", 2);
    let net = b.build()?.to_kind(Kind::Double)?;
    let input = Tensor::randn([2, 1, 4, 8], cpu(Kind::Double));
    let maps = attention_tensor(&net, &input)?.reshape([2, 2, 4]);
    let rollout = attention_rollout_tensor(&net, &input, Rollout::default())?;
    assert!(difference(&rollout, &(maps / 2.0)) < 1e-15);
    Ok(())
}

fn agree(net: &Network, theirs: &Arrays, prefix: &str, targets: &[Target], most: f64) -> Tested {
    let of = |name: &str| &theirs[&format!("{prefix}{name}")];
    let input = of("input");
    let roll = |fusion, discard| {
        attention_rollout_tensor(net, input, Rollout::default().fusion(fusion).discard(discard))
    };
    for (name, ours) in [
        ("logits", net.forward(input)?),
        ("maps", attention_tensor(net, input)?),
        ("rollout", roll(Fusion::Mean, 0.0)?),
        ("rollout.max", roll(Fusion::Max, 0.9)?),
        ("rollout.min", roll(Fusion::Min, 0.5)?),
        ("gradient", values_of(&GradientAttention, net, input, targets)?),
    ] {
        let theirs = of(name);
        let off = difference(&ours, theirs) / theirs.abs().max().double_value(&[]);
        println!("{prefix}{name}: {off:.1e} of the largest");
        assert!(off < most, "{prefix}{name}: {off}");
    }
    Ok(())
}

#[test]
fn deit_agrees_with_its_definition_on_pictures_that_are_not_square() -> Tested {
    let Some(oracle) = Script::new("attention.py").run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let net = zoo::untrained("deit_tiny")?.load_weights(oracle.file("deit_tiny.pth"))?;
    let targets = [Target::Class(3), Target::Class(700)];
    agree(&net.to_kind(Kind::Double)?, &theirs, "", &targets, 1e-8)
}

#[test]
fn deit_with_real_weights_agrees_on_a_photo() -> Tested {
    let (Some(weights), Some(photo)) =
        (real("weights/deit_tiny_patch16_224.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    let script = Script::new("attention.py").file(&weights).file(photo);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let net = zoo::untrained("deit_tiny")?.load_weights(&weights)?;
    agree(&net, &theirs, "", &[Target::Top], 1e-4)?;

    // A randomized network has another rollout, another class another relevance.
    let input = &theirs["input"];
    let fox = values_of(&GradientAttention, &net, input, &[Target::Class(279)])?;
    assert!(difference(&fox, &theirs["gradient"]) > 0.1 * fox.max().double_value(&[]));
    Ok(())
}

#[test]
fn networks_from_onnx_have_their_attention() -> Tested {
    let script = Script::new("attention.py").needs(&["onnx", "onnxscript"]).word("--onnx");
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let wide = Network::from_onnx(oracle.file("wide.onnx"))?;
    agree(&wide, &theirs, "wide.", &[Target::Class(3), Target::Class(70)], 1e-4)?;
    let square = Network::from_onnx(oracle.file("square.onnx"))?;
    let off =
        difference(&attention_tensor(&square, &theirs["square.input"])?, &theirs["square.maps"]);
    assert!(off < 1e-5, "{off}");
    Ok(())
}

#[test]
fn figures_of_layers_and_heads() -> Tested {
    let (net, photo) = (small_vit(1, 2)?, painted(40, 30));
    let all = attention(&net, &photo, AttentionMaps::default())?;
    assert_eq!(all.values().len(), 2, "a map a layer");
    let heads = attention(&net, &photo, AttentionMaps::default().heads(Heads::Each))?;
    assert_eq!(heads.values().len(), 4);
    let mean = (&heads.values()[2].tensor() + &heads.values()[3].tensor()) / 2.0;
    assert!(difference(&mean, &all.values()[1].tensor()) < 1e-7);
    let last = attention(&net, &photo, AttentionMaps::default().heads(Heads::Each).layers([1]))?;
    assert_eq!(difference(&last.values()[1].tensor(), &heads.values()[3].tensor()), 0.0);
    let one = AttentionMaps::default().layers([1]).heads(Heads::Only(vec![1]));
    assert_eq!(
        difference(
            &attention(&net, &photo, one)?.values()[0].tensor(),
            &heads.values()[3].tensor()
        ),
        0.0
    );
    let title =
        attention_rollout(&net, &photo, Rollout::default().fusion(Fusion::Max).discard(0.5))?;
    assert!(title.description().contains("largest of the heads, 50 % of the values discarded"));
    assert!(gradient_attention(&net, &photo, 2)?.title.contains("class 2"));
    // The tokens as maps, for Grad-CAM.
    assert_eq!(grad_cam(&small_vit(5, 2)?, &photo, "block0", 1)?.values().shape(), [2, 5]);
    Ok(())
}

#[test]
fn what_has_no_attention_is_refused_by_name() -> Tested {
    let (digits, three) = (zoo::digits()?, data::digit(3, 1)?);
    let refused = |error: convscope::Error, words: &[&str]| {
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    let none = attention_rollout(&digits, &three, Rollout::default()).expect_err("no attention");
    refused(none, &["digits", "no self-attention", "grad_cam"]);
    refused(attention(&digits, &three, Default::default()).expect_err("none"), &["digits"]);
    refused(gradient_attention(&digits, &three, 3).expect_err("none"), &["digits", "vit_b_16"]);

    let (net, photo) = (small_vit(1, 2)?, painted(40, 30));
    let beyond = attention(&net, &photo, AttentionMaps::default().layers([0, 2]));
    refused(beyond.expect_err("two layers"), &["no 2 among the layers", "0 to 1"]);
    let beyond = AttentionMaps::default().heads(Heads::Only(vec![9]));
    refused(attention(&net, &photo, beyond).expect_err("two heads"), &["no 9 among the heads"]);
    let empty = AttentionMaps::default().heads(Heads::Only(vec![]));
    refused(attention(&net, &photo, empty).expect_err("no heads"), &["no heads are chosen"]);
    for discard in [-0.1, 1.0, f64::NAN] {
        let options = Rollout::default().discard(discard);
        let error = attention_rollout(&net, &photo, options).expect_err("a share");
        refused(error, &["discard", "below 1"]);
    }
    let early = gradient_attention(&net, &photo, Target::layer("tokens"));
    refused(early.expect_err("before all attention"), &["before `tokens`"]);
    Ok(())
}
