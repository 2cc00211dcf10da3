//! Occlusion: published figures, and regions against whole runs.

use convscope::prelude::*;

use crate::attribution::close;
use crate::helpers::{Tested, cpu, difference, maps_of, network_o};

/// Captum's figures for occlusion on Network O.
#[test]
fn network_o_has_its_published_occlusion() -> Tested {
    let (net, input) = network_o();
    let target = [Target::Class(0)];
    let map = |patches: Patches| maps_of(&patches, &net, &input, &target);
    close(&map(Patches::new(1))?, "0 1 2 3 / 0 4 4 4 / 2 7 8 4 / 6 7 8 0");
    close(&map(Patches::new(2).stride(2))?, "7 7 4 4 / 7 7 4 4 / 36 36 47 47 / 36 36 47 47");
    close(
        &map(Patches::new(2).stride(1))?,
        "7 8 6.5 4 / 15.5 20.75 22.25 18.5 / 30 39.25 44.25 40 / 36 45 50.5 47",
    );
    Ok(())
}

/// The same by covering each place and running the whole network.
pub fn covered_one_by_one(
    net: &Network,
    input: &Tensor,
    class: i64,
    size: [i64; 2],
    stride: [i64; 2],
) -> Tensor {
    let [_, _, h, w] = input.size()[..] else { panic!("four dimensions") };
    let score = |x: &Tensor| net.forward(x).expect("logits").double_value(&[0, class]);
    let whole = score(input);
    let (sum, count) =
        (Tensor::zeros([h, w], cpu(Kind::Double)), Tensor::zeros([h, w], cpu(Kind::Double)));
    let steps = |size: i64, patch: i64, stride: i64| (size - patch + stride - 1) / stride;
    for row in 0..=steps(h, size[0], stride[0]) {
        for column in 0..=steps(w, size[1], stride[1]) {
            let (y, x) = (row * stride[0], column * stride[1]);
            let (dy, dx) = (size[0].min(h - y), size[1].min(w - x));
            if dy < 1 || dx < 1 {
                continue;
            }
            let covered = input.copy();
            let _ = covered.narrow(2, y, dy).narrow(3, x, dx).zero_();
            let drop = whole - score(&covered);
            let at = |t: &Tensor| t.narrow(0, y, dy).narrow(1, x, dx);
            let _ = at(&sum).g_add_scalar_(drop);
            let _ = at(&count).g_add_scalar_(1.0);
        }
    }
    sum / count.clamp_min(1)
}

#[test]
fn occlusion_by_regions_equals_occlusion_as_a_whole() -> Tested {
    for (name, height, width, size, stride) in [
        ("resnet18", 75, 98, [20, 13], [17, 19]),
        ("densenet121", 66, 71, [16, 16], [29, 29]),
        ("googlenet", 64, 80, [11, 24], [21, 27]),
        ("squeezenet1_1", 70, 61, [8, 8], [25, 21]),
        ("mobilenet_v2", 64, 72, [16, 9], [24, 30]),
        ("cifar_resnet20", 32, 45, [5, 9], [11, 13]),
    ] {
        tch::manual_seed(4);
        let net = zoo::untrained(name)?.to_kind(Kind::Double)?;
        let input = Tensor::randn([1, 3, height, width], cpu(Kind::Double));
        let unsigned = |sizes: [i64; 2]| sizes.map(|size| size as usize);
        let patches = Patches::sized(unsigned(size)).strides(unsigned(stride));
        let ours = maps_of(&patches, &net, &input, &[Target::Top])?.get(0);
        let top = net.forward(&input)?.argmax(None, false).int64_value(&[]);
        let expected = covered_one_by_one(&net, &input, top, size, stride);
        let off = difference(&ours, &expected) / expected.abs().max().double_value(&[]);
        // Of the largest drop, which may be a small part of the score.
        assert!(off < 1e-6, "{name}: {off}");
    }
    Ok(())
}
