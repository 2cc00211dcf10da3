//! Where data sets' files come from: laid by hand, by other writers, from a mirror; broken and hostile
//! ones.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use convscope::Error;
use convscope::prelude::*;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::helpers::{Tested, cpu, in_child, is_child, numbers, scratch};
use crate::oracle::{Arrays, Script};

/// Runs a test in a process whose CONVSCOPE_HOME is a folder of its own, which it is given; the data
/// lies in `data` there.
fn at_home(test: &str, run: impl FnOnce(&Path) -> Tested) -> Tested {
    if is_child() {
        let home = std::env::var_os("CONVSCOPE_HOME").ok_or("no CONVSCOPE_HOME")?;
        return run(&PathBuf::from(home).join("data"));
    }
    let home = scratch(test);
    fs::create_dir_all(home.join("data"))?;
    let offline = Path::new("1");
    let variables = [("CONVSCOPE_HOME", home.as_path()), ("CONVSCOPE_OFFLINE", offline)];
    let said = in_child(&format!("dataset_files::{test}"), &variables);
    assert!(said.contains("1 passed"), "{said}");
    fs::remove_dir_all(home)?;
    Ok(())
}

/// An IDX file of bytes.
fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// Three images, each of one gray.
fn greys() -> Vec<u8> {
    [10u8, 20, 30].iter().flat_map(|&gray| [gray; 784]).collect()
}

/// A tar archive of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

#[test]
fn files_laid_by_hand_are_used() -> Tested {
    at_home("files_laid_by_hand_are_used", |folder| {
        let (images, labels) = (idx(&[3, 28, 28], &greys()), idx(&[3], &[7, 0, 9]));
        let (images_name, labels_name) = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
        // Unpacked or gzipped, with either name, in the folder or in one below.
        for (below, ending, packed) in
            [("", "", false), ("", ".gz", true), ("mnist", ".gz", false), ("MNIST/raw", "", true)]
        {
            let place = folder.join(below);
            fs::create_dir_all(&place)?;
            for (name, content) in [(images_name, &images), (labels_name, &labels)] {
                let content = if packed { gz(content) } else { content.clone() };
                fs::write(place.join(format!("{name}{ending}")), content)?;
            }
            let set = data::mnist(Split::Test)?;
            assert_eq!(numbers(set.labels()), [7., 0., 9.]);
            assert_eq!(numbers(&set.images().select(2, 27).select(2, 27)), [10., 20., 30.]);
            assert_eq!(set.photo(1)?.pixels().get_pixel(3, 4).0, [20; 3]);
            for name in [images_name, labels_name] {
                fs::remove_file(place.join(format!("{name}{ending}")))?;
            }
        }
        // Fashion-MNIST's files have the same names, so they are looked for elsewhere.
        assert!(matches!(data::mnist(Split::Test), Err(Error::DataAbsent { .. })));
        let fashion = folder.join("fashion-mnist");
        fs::create_dir_all(&fashion)?;
        fs::write(fashion.join(images_name), &images)?;
        fs::write(fashion.join(labels_name), &labels)?;
        assert_eq!(data::fashion_mnist(Split::Test)?.classes()[7], "Sneaker");
        assert!(data::mnist(Split::Test).is_err() && data::fashion_mnist(Split::Train).is_err());

        let stored = [
            ("images", Tensor::zeros([2, 1, 28, 28], cpu(Kind::Uint8))),
            ("labels", Tensor::from_slice(&[9u8, 1])),
        ];
        Tensor::write_safetensors(&stored, folder.join("mnist_train.safetensors"))?;
        let train = data::mnist(Split::Train)?;
        assert_eq!((train.len(), train.classes().len()), (2, 10));
        Ok(())
    })
}

#[test]
fn broken_and_hostile_files_are_refused_by_name() -> Tested {
    at_home("broken_and_hostile_files_are_refused_by_name", |folder| {
        let (images, labels) = (idx(&[3, 28, 28], &greys()), idx(&[3], &[7, 0, 9]));
        let images_name = folder.join("t10k-images-idx3-ubyte.gz");
        let labels_name = folder.join("t10k-labels-idx1-ubyte.gz");
        let refused = |images: &[u8], labels: &[u8]| -> Result<String, std::io::Error> {
            fs::write(&images_name, images)?;
            fs::write(&labels_name, labels)?;
            let error = data::mnist(Split::Test).expect_err("refused");
            assert!(matches!(error, Error::DataFile { .. }), "{error:?}");
            Ok(error.to_string())
        };
        let packed = gz(&images);
        let mut flipped = packed.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        let longer = [images.as_slice(), &[0]].concat();
        let huge = idx(&[u32::MAX, 28, 28], &greys());
        let wide = idx(&[3, u32::MAX, u32::MAX], &greys());
        for (wrong, word) in [
            (&[][..], "ends too early"),
            (b"\0\0", "ends too early"),
            (&images[..100], "ends too early"),
            (&packed[..packed.len() / 2], "ends too early"),
            (&packed[..packed.len() - 4], "ends too early"),
            (&flipped, "compressed content is broken"),
            (b"\x1f\x8b\x08rubbish, and no gzip", "compressed content is broken"),
            (b"<!DOCTYPE html>", "expected 0x00000803"),
            (&labels, "begins with 0x00000801, expected 0x00000803"),
            (&longer, "goes on after"),
            (&gz(&longer), "goes on after"),
            (&huge, "4294967295 items"),
            (&gz(&huge), "expected 1 to 10000"),
            (&wide, "[4294967295, 4294967295]"),
            (&idx(&[3, 28, 27], &greys()), "[28, 27], expected 1 to 10000 of [28, 28]"),
            (&idx(&[0, 28, 28], &[]), "holds 0 items"),
        ] {
            let error = refused(wrong, &gz(&labels))?;
            assert!(error.contains("t10k-images") && error.contains(word), "{word}: {error}");
            assert!(error.contains("Delete it"), "{error}");
        }
        for (wrong, word) in [
            (idx(&[2], &[7, 0]), "2 labels"),
            (idx(&[3], &[7, 10, 0]), "label 10, expected 0 to 9"),
            (images.clone(), "expected 0x00000801"),
        ] {
            let error = refused(&packed, &wrong)?;
            assert!(error.contains("t10k-labels") && error.contains(word), "{word}: {error}");
        }

        let archive = folder.join("cifar-10-binary.tar.gz");
        let short = tar("cifar-10-batches-bin/test_batch.bin", &[0; 3073]);
        let other = tar("cifar-10-batches-bin/readme.html", b"hello");
        let mut endless = tar("readme.html", b"");
        endless[124..135].copy_from_slice(b"77777777777");
        let mut wrong_sum = other.clone();
        wrong_sum[0] ^= 1;
        for (content, word) in [
            (gz(&short), "3073 bytes long, expected 30730000"),
            (gz(&other), "holds no test_batch.bin"),
            (gz(&other[..514]), "ends too early"),
            (gz(&wrong_sum), "no tar archive"),
            (gz(&endless), "no tar archive"),
            (gz(b""), "ends too early"),
            (gz(&other)[..40].to_vec(), "ends too early"),
            (other.clone(), "compressed content is broken"),
        ] {
            fs::write(&archive, content)?;
            let error = data::cifar10(Split::Test).expect_err("refused").to_string();
            assert!(error.contains("tar.gz") && error.contains(word), "{word}: {error}");
        }
        let unpacked = folder.join("cifar-10-batches-bin");
        fs::create_dir(&unpacked)?;
        let error = data::cifar10(Split::Train).expect_err("an empty folder").to_string();
        assert!(error.contains("data_batch_1.bin"), "{error}");
        let mut batch = vec![0; 30_730_000];
        batch[3073] = 10;
        fs::write(unpacked.join("test_batch.bin"), &batch)?;
        let error = data::cifar10(Split::Test).expect_err("eleven classes").to_string();
        assert!(error.contains("label 10, expected 0 to 9"), "{error}");
        batch[3073] = 9;
        fs::write(unpacked.join("test_batch.bin"), &batch)?;
        assert_eq!(data::cifar10(Split::Test)?.labels().int64_value(&[1]), 9);
        Ok(())
    })
}

#[test]
fn what_is_absent_is_named_with_its_folder_and_address() -> Tested {
    at_home("what_is_absent_is_named_with_its_folder_and_address", |folder| {
        let folder = folder.display().to_string();
        let said = |set: convscope::Result<ImageSet>| set.expect_err("absent").to_string();
        for (error, words) in [
            (
                said(data::mnist(Split::Test)),
                [
                    "no images of MNIST:",
                    "mnist/t10k-images-idx3-ubyte.gz",
                    "mnist_test.safetensors",
                ],
            ),
            (
                said(data::fashion_mnist(Split::Train)),
                [
                    "no images of Fashion-MNIST:",
                    "https://github.com/zalandoresearch/fashion-mnist/",
                    "fashion_mnist_train.safetensors",
                ],
            ),
            (
                said(data::cifar10(Split::Train)),
                [
                    "no images of CIFAR-10:",
                    "/~kriz/cifar-10-binary.tar.gz",
                    "cifar10_train.safetensors",
                ],
            ),
        ] {
            for word in words.into_iter().chain([folder.as_str(), "OFFLINE", "CONVSCOPE_HOME"]) {
                assert!(error.contains(word), "{word} is not in {error}");
            }
        }
        Ok(())
    })
}

/// A mirror has data sets' files below their folders, and is verified.
#[test]
fn a_mirror_is_asked_and_verified() -> Tested {
    const TEST: &str = "dataset_files::a_mirror_is_asked_and_verified";
    if is_child() {
        println!("{}", data::fashion_mnist(Split::Test).expect_err("not the official file"));
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mirror = format!("http://{}/files/", listener.local_addr()?);
    let server = std::thread::spawn(move || -> std::io::Result<String> {
        let (mut stream, _) = listener.accept()?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>",
        )?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    });
    let home = scratch("data_mirror");
    let text = in_child(
        TEST,
        &[
            ("CONVSCOPE_HOME", &home),
            ("CONVSCOPE_MIRROR", Path::new(&mirror)),
            ("CONVSCOPE_OFFLINE", Path::new("0")),
        ],
    );
    let asked = server.join().map_err(|_| "the server")??;
    assert!(asked.starts_with("GET /files/fashion-mnist/t10k-images-idx3-ubyte.gz "), "{asked}");
    assert!(
        text.contains("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "{text}"
    );
    assert_eq!(
        fs::read_dir(home.join("data/fashion-mnist"))?
            .flatten()
            .filter(|f| f.path().extension() != Some("lock".as_ref()))
            .count(),
        0
    );
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}

/// Python's gzip and tarfile wrote them, torchvision read them.
#[test]
fn files_of_other_writers_are_read_alike() -> Tested {
    if is_child() {
        let home = std::env::var_os("CONVSCOPE_HOME").map(PathBuf::from).ok_or("no home")?;
        let arrays: Arrays =
            Tensor::read_safetensors(home.join("expected.safetensors"))?.into_iter().collect();
        for (split, part) in [(Split::Train, "train"), (Split::Test, "test")] {
            let set = data::mnist(split)?;
            assert!(set.images().equal(&arrays[&format!("mnist.{part}.images")]));
            assert!(set.labels().equal(&arrays[&format!("mnist.{part}.labels")]));
            let set = data::cifar10(split)?;
            assert!(set.labels().equal(&arrays[&format!("cifar.{part}.labels")]));
            let count = set.len() as i64;
            let some = set.images().slice(0, 0, count, 97);
            assert!(some.equal(&arrays[&format!("cifar.{part}.images")]));
        }
        return Ok(());
    }
    let Some(oracle) = Script::new("datasets.py").run() else { return Ok(()) };
    // The library writes beside its data sets, which the kept files must not see.
    let home = scratch("other_writers");
    copy(&oracle.folder, &home)?;
    let variables = [("CONVSCOPE_HOME", home.as_path())];
    let said = in_child("dataset_files::files_of_other_writers_are_read_alike", &variables);
    assert!(said.contains("1 passed"), "{said}");
    fs::remove_dir_all(home)?;
    Ok(())
}
