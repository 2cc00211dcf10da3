//! A process that reads an ONNX file and a photo, and ends with the class.
//!
//! Usage: cold-ort LIBONNXRUNTIME ONNX PHOTO RESULT

use image::imageops::{FilterType, crop_imm, resize};
use ort::session::Session;
use ort::value::TensorRef;

const SIDE: u32 = 224;
const SHORTER: f32 = 256.0;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, onnx, photo, result] = &arguments[..] else {
        return Err("usage: cold-ort LIBONNXRUNTIME ONNX PHOTO RESULT".into());
    };
    let pixels = prepared(photo)?;
    let environment = ort::init_from(library)?.build()?;
    let mut session = Session::builder(&environment)?.commit_from_file(onnx)?;
    let input =
        TensorRef::from_array_view(([1_usize, 3, SIDE as usize, SIDE as usize], &pixels[..]))?;
    let outputs = session.run(ort::inputs![input])?;
    let (_, logits) = outputs[0].try_extract_tensor::<f32>()?;
    let class = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    std::fs::write(result, format!("{}\n", class.ok_or("no classes")?))?;
    Ok(())
}

/// As for ImageNet: the shorter side 256 pixels, the middle, normalized, `[3, 224, 224]`.
fn prepared(photo: &str) -> image::ImageResult<Vec<f32>> {
    let photo = image::open(photo)?.into_rgb8();
    let (width, height) = photo.dimensions();
    let scale = SHORTER / width.min(height) as f32;
    let scaled = |side: u32| (side as f32 * scale).round() as u32;
    let photo = resize(&photo, scaled(width), scaled(height), FilterType::Triangle);
    let (left, top) = ((photo.width() - SIDE) / 2, (photo.height() - SIDE) / 2);
    let photo = crop_imm(&photo, left, top, SIDE, SIDE).to_image();
    let channel =
        |c: usize| photo.pixels().map(move |p| (f32::from(p[c]) / 255.0 - MEAN[c]) / STD[c]);
    Ok((0..3).flat_map(channel).collect())
}
