//! The public interface as such: what can be sent, cloned, boxed, and where errors come from.

use std::error::Error as _;

use convscope::alive::Alive;
use convscope::attribution::{Attributions, Integrated, Trust};
use convscope::data::Folder;
use convscope::embed::Embedding;
use convscope::image::RgbImage;
use convscope::maximize::Maximized;
use convscope::network::{Builder, Node, Op};
use convscope::prelude::*;
use convscope::tch::nn;
use convscope::view::*;

use crate::helpers::{Tested, cpu, difference, painted, scratch};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn cloned<T: Clone>() {}

/// Tensors can be sent to another thread, but not shared between threads.
#[test]
fn what_threads_may_do_with_the_types() {
    send::<Network>();
    send::<Builder>();
    send::<Node>();
    send::<Op>();
    send::<Features>();
    send::<Dataset>();
    send::<ImageSet>();
    send::<Maximize>();
    send::<Maximized>();
    send::<Embedding>();
    send::<Trust>();
    send::<Attributions>();
    send::<Integrated>();
    send::<IntegratedGradients>();
    send::<TensorImage>();
    send::<Live>();
    send::<Progress>();
    send::<convscope::Error>();
    sync::<convscope::Error>();
    sync::<Photo>();
    sync::<Folder>();
    sync::<Target>();
    sync::<Preprocess>();
    sync::<GradCam>();
    // Figures hold plain numbers.
    sync::<Alive>();
    sync::<Heatmap>();
    sync::<Heatmaps>();
    sync::<FeatureMaps>();
    sync::<FilterGrid>();
    sync::<Scatter>();
    sync::<Occlusion>();
    sync::<Summary>();
}

#[test]
fn networks_operations_and_figures_can_be_cloned() -> Tested {
    cloned::<Op>();
    cloned::<Alive>();
    cloned::<Curves>();
    cloned::<FeatureMapsBatch>();
    cloned::<Film>();
    cloned::<Gallery>();
    cloned::<Heatmaps>();
    cloned::<Journey>();
    cloned::<MapReport>();
    cloned::<Matrix>();
    cloned::<Occlusion>();
    cloned::<Predictions>();
    cloned::<Scatter>();
    cloned::<Summary>();
    cloned::<TopK>();
    let net = zoo::digits()?;
    let copy = net.clone();
    for ((name, a), (_, b)) in net.state_dict().iter().zip(copy.state_dict()) {
        assert_eq!(a.data_ptr(), b.data_ptr(), "{name} is shared");
    }
    let map = saliency(&net, &data::digit(4, 2)?, Target::Top)?;
    let faint = map.clone().opacity(0.2);
    assert_eq!(map.values(), faint.values());
    assert_ne!(map.image()?, faint.image()?);
    Ok(())
}

#[test]
fn figures_can_be_kept_together_whatever_their_type() -> Tested {
    let net = zoo::digits()?;
    let figures: Vec<Box<dyn Figure>> =
        vec![Box::new(net.filters("conv1")?), Box::new(net.summary()?), Box::new(painted(30, 20))];
    let folder = scratch("figures_together");
    for (at, figure) in figures.iter().enumerate() {
        figure.save(folder.join(format!("{at}.png")))?;
        assert!(!figure.description().is_empty());
    }
    assert_eq!(std::fs::read_dir(folder)?.count(), 3);
    Ok(())
}

#[test]
fn errors_keep_their_causes() -> Tested {
    let net = zoo::digits()?;
    let wrong = || -> convscope::Result<Tensor> {
        let logits = net.forward(&Tensor::zeros([1, 1, 28, 28], cpu(Kind::Float)))?;
        Ok(logits.f_view([3, 7])?)
    };
    let error = wrong().expect_err("10 are not 21");
    assert!(matches!(error, convscope::Error::Torch { .. }), "{error:?}");
    assert!(error.source().is_some_and(|cause| cause.is::<tch::TchError>()), "{error:?}");
    let broken =
        Photo::from_bytes(b"\x89PNG\r\n\x1a\nnothing more", "broken").expect_err("no picture");
    assert!(broken.source().is_some(), "{broken:?}");
    let missing = Photo::open("/nowhere/photo.png").expect_err("no file");
    assert!(missing.source().is_some_and(|cause| cause.is::<std::io::Error>()));
    Ok(())
}

#[test]
fn parameters_come_from_tensors_and_from_tch_models() -> Tested {
    let store = nn::VarStore::new(Device::Cpu);
    let root = store.root();
    let conv = nn::conv2d(&root / "conv", 2, 4, 3, nn::ConvConfig::default());
    let norm = nn::batch_norm2d(&root / "norm", 4, nn::BatchNormConfig::default());
    let fc = nn::linear(&root / "fc", 4, 5, nn::LinearConfig::default());
    let build = || {
        let mut b = Network::builder("mine", [2, 9, 7]);
        let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
        let x = b.batch_norm(x, "norm");
        let x = b.relu(x, "relu");
        let x = b.global_avg_pool(x, "pool");
        let x = b.flatten(x, "flatten");
        b.linear(x, "fc", 5);
        b.build()
    };
    let net = build()?.load_var_store(&store)?;
    let input = Tensor::randn([3, 2, 9, 7], cpu(Kind::Float));
    let theirs = tch::no_grad(|| {
        let x = input.apply(&conv).apply_t(&norm, false).relu();
        x.adaptive_avg_pool2d([1, 1]).flatten(1, -1).apply(&fc)
    });
    assert!(difference(&net.forward(&input)?, &theirs) < 1e-6);
    assert!(net.state_dict().iter().all(|(_, tensor)| !tensor.requires_grad()));

    let tensors: Vec<(String, Tensor)> = net
        .state_dict()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_kind(Kind::Half)))
        .collect();
    let again = build()?.load_tensors(tensors.iter().map(|(name, t)| (name, t.shallow_clone())))?;
    assert!(difference(&again.forward(&input)?, &theirs) < 1e-2);
    let some = tensors.iter().skip(1).map(|(name, t)| (name, t.shallow_clone()));
    let error = build()?.load_tensors(some).expect_err("one is missing").to_string();
    assert!(error.contains("conv.weight") && error.contains("missing"), "{error}");
    Ok(())
}

/// Inputs that no photo holds, for every kind of method.
#[test]
fn tensors_are_explained_with_a_way_to_show_them() -> Tested {
    tch::manual_seed(4);
    let mut b = Network::builder("bands", [5, 20, 33]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).padding(1));
    let x = b.relu(x, "relu");
    let x = b.global_avg_pool(x, "pool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    let net = b.build()?;
    let bands = Tensor::randn([5, 20, 33], cpu(Kind::Float)) * 3000.0;
    let scene = TensorImage::new("scene", &bands)?;
    let methods: [&dyn Attribution; 7] = [
        &Saliency::default(),
        &SmoothGrad::default().samples(3),
        &GradCam::at("relu"),
        &Cam,
        &ScoreCam::at("relu"),
        &Patches::new(8),
        &Rise::default().masks(20),
    ];
    let figure = compare_methods(&net, &scene, 1, &methods)?;
    assert_eq!(figure.values().len(), 7);
    figure.bundle()?;
    let report = trust(&net, &scene, 1, &GradCam::at("relu"))?;
    assert!(report.description().contains("class 1"), "{}", report.description());
    occlusion(&net, &scene, 1, &[Patches::new(6)])?.bundle()?;

    let gray = |image: &TensorImage| -> convscope::Result<RgbImage> {
        use convscope::attribution::Input;
        image.shown(&net, 448)
    };
    let values =
        Tensor::from_slice(&[-100.0f32, 0.0, 50.0, 100.0, f32::NAN, 900.0]).view([1, 2, 3]);
    let scan = TensorImage::new("scan", &values)?.window(0, 50.0, 100.0)?;
    let shades: Vec<u8> = gray(&scan)?.pixels().map(|pixel| pixel.0[0]).collect();
    assert_eq!(shades, [0, 0, 128, 255, 0, 255]);
    let colors = scene.clone().false_colors([4, 2, 0])?;
    assert_ne!(gray(&colors)?, gray(&scene)?);
    assert!(scene.clone().channel(5).is_err() && scene.clone().window(0, 0.0, 0.0).is_err());
    assert!(TensorImage::new("two", &Tensor::zeros([2, 3, 4, 4], cpu(Kind::Float))).is_err());
    let error = saliency(&net, &TensorImage::new("three", &bands.narrow(0, 0, 3))?, 0);
    assert!(error.expect_err("five bands are needed").to_string().contains("[N, 5, H, W]"));
    Ok(())
}

/// evcxr calls a value's own `evcxr_display` whether or not the notebook brought a trait into scope.
mod without_a_trait_in_scope {
    use convscope::attribution::{Agreement, Randomization, Trust};
    use convscope::embed::Embedding;
    use convscope::maximize::{Examples, Maximized};
    use convscope::train::History;
    use convscope::{Photo, view};

    #[test]
    fn every_figure_can_be_drawn() {
        macro_rules! drawn {
            ($($figure:ty),+ $(,)?) => {
                [$(<$figure>::evcxr_display as *const ()),+]
            };
        }
        let figures = drawn![
            Agreement,
            Embedding,
            Examples,
            History,
            Maximized,
            Photo,
            Randomization,
            Trust,
            view::Curves,
            view::FeatureMaps,
            view::FeatureMapsBatch,
            view::Film,
            view::FilterGrid,
            view::Gallery,
            view::Heatmap,
            view::Heatmaps,
            view::Journey,
            view::MapReport,
            view::Matrix,
            view::Occlusion,
            view::Predictions,
            view::Scatter,
            view::Summary,
            view::TopK,
        ];
        assert!(figures.iter().all(|method| !method.is_null()));
    }

    #[test]
    fn a_figure_is_printed_as_what_it_is_not_as_its_numbers() -> convscope::Result<()> {
        use convscope::attribution::{GradCam, InputTimesGradient, agreement};
        let (net, four) = (convscope::zoo::digits()?, convscope::data::digit(4, 2)?);
        let figure = agreement(&net, &four, 4, &[&GradCam::at("relu2"), &InputTimesGradient])?;
        let printed = format!("{figure:?}");
        assert!(printed.starts_with("Do the methods agree on 4"), "{printed}");
        assert!(printed.ends_with("[a figure: `.show()` draws it]"), "{printed}");
        Ok(())
    }
}
