//! Data sets as they are published, with few images.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::files::Files;

pub const IMAGES: &str = "home/data/t10k-images-idx3-ubyte";
pub const LABELS: &str = "home/data/t10k-labels-idx1-ubyte";
pub const ARCHIVE: &str = "home/data/cifar-10-binary.tar.gz";
pub const STORED: &str = "set.safetensors";

pub fn sound() -> Vec<Files> {
    let images: Vec<u8> = (0..3 * 784).map(|at| at as u8).collect();
    let (images, labels) = (idx(&[3, 28, 28], &images), idx(&[3], &[7, 0, 9]));
    vec![
        pair(gzip(&images), gzip(&labels)),
        pair(images, labels),
        Files::one(STORED, stored([4, 1, 5, 6], "U8", 4)),
        Files::one(STORED, stored([2, 3, 8, 8], "I64", 2)),
        folder(),
    ]
}

/// Too little for what they say, and an archive of the right size, whose 30 MB take long.
pub fn hostile() -> Vec<Files> {
    let labels = idx(&[3], &[7, 0, 9]);
    let archive = |length| gzip(&tar("cifar-10-batches-bin/test_batch.bin", &vec![1; length]));
    vec![
        pair(idx(&[u32::MAX, 28, 28], &[0; 784]), labels.clone()),
        pair(idx(&[3, u32::MAX, u32::MAX], &[0; 784]), labels),
        Files::one(ARCHIVE, archive(3_073)),
        Files::one(ARCHIVE, archive(30_730_000)),
    ]
}

fn pair(images: Vec<u8>, labels: Vec<u8>) -> Files {
    Files(vec![(IMAGES.to_owned(), images), (LABELS.to_owned(), labels)])
}

fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(content);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A tar archive of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    let mut archive = [&header[..], content].concat();
    archive.resize(archive.len().next_multiple_of(512) + 1_024, 0);
    signed(&mut archive);
    archive
}

/// Writes the header's sum anew.
pub fn signed(archive: &mut [u8]) {
    let Some(header) = archive.get_mut(..512) else { return };
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn stored(shape: [usize; 4], labels: &str, count: usize) -> Vec<u8> {
    let pixels: usize = shape.iter().product();
    let width = if labels == "I64" { 8 } else { 1 };
    let end = pixels + count * width;
    let header = json!({
        "__metadata__": {"classes": "zero, one, two"},
        "images": {"dtype": "U8", "shape": shape, "data_offsets": [0, pixels]},
        "labels": {"dtype": labels, "shape": [count], "data_offsets": [pixels, end]},
    });
    let mut data: Vec<u8> = (0..pixels).map(|at| at as u8).collect();
    data.resize(end, 0);
    crate::weights::with_header(&header.to_string(), &data)
}

/// Two classes of pictures, and what else lies in folders.
fn folder() -> Files {
    let picture = crate::images::small;
    let names = ["photos/a/1.png", "photos/a/2.PNG", "photos/b/1.gif", "photos/.hidden/1.png"];
    let mut files: Vec<_> = names.map(|name| (name.to_owned(), picture())).to_vec();
    files.push(("photos/readme.txt".to_owned(), b"no picture".to_vec()));
    Files(files)
}
