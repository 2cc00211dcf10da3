//! Several outputs of one network, each by its name.

use convscope::prelude::*;

use crate::helpers::{Tested, root, values_of};
use crate::outputs::wave;

#[test]
fn each_head_by_its_name() -> Tested {
    let net = Network::from_onnx(root().join("tests/golden/two_heads.onnx"))?;
    let outputs = net.outputs()?;
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{outputs:?}");
    assert_eq!(names[0], net.output().name);
    let [c, h, w] = net.preprocess().input_shape();
    let input = wave(&[2, c, h, w], 0.3).to_kind(Kind::Float);
    for output in &outputs {
        let alone = net.clone().with_output(&output.name)?;
        assert_eq!(alone.forward(&input)?.size()[1..], output.shape[1..]);
        for target in [Target::Top, Target::Class(1)] {
            let here = vec![target.clone().of(&output.name); 2];
            for method in
                [&Saliency::default() as &dyn Attribution, &InputTimesGradient, &Patches::new(7)]
            {
                let ours = values_of(method, &net, &input, &here)?;
                let theirs = values_of(method, &alone, &input, &vec![target.clone(); 2])?;
                assert!(
                    ours.allclose(&theirs, 1e-6, 1e-7, false),
                    "{} of {}",
                    method.name(),
                    output.name
                );
            }
        }
    }
    let image = TensorImage::new("waves", &input.narrow(0, 0, 1))?;
    let other = names[1];
    let map = saliency(&net, &image, Target::Class(1).of(other))?;
    assert!(map.title.contains(&format!("class 1 of {other}")), "{}", map.title);
    let probability =
        net.clone().with_output(other)?.classify(&image_photo(&net)?)?.guesses().len();
    assert!(probability > 0);
    // Names are of the result's classes.
    let classes = outputs[0].shape[1] as usize;
    let named = net.clone().with_classes((0..classes).map(|class| format!("n{class}")))?;
    let error = saliency(&named, &image, Target::from("n1").of(other))
        .expect_err("other classes")
        .to_string();
    assert!(error.contains("give the class's number"), "{error}");
    assert!(saliency(&named, &image, "n1")?.title.contains("n1"));
    for odd in
        [Target::Top.of("no such"), Target::layer(other).of(other), Target::Top.of(other).of(other)]
    {
        assert!(saliency(&net, &image, odd).is_err());
    }
    occlusion(&net, &image, Target::Top.of(other), &[Patches::new(9)])?.image()?;
    Ok(())
}

fn image_photo(net: &Network) -> convscope::Result<Photo> {
    let [_, h, w] = net.preprocess().input_shape();
    Photo::from_image(image::RgbImage::new(w as u32, h as u32), "black")
}
