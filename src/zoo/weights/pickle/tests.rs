use super::*;

/// An ordered dictionary with one float tensor `w` of size [2, 3], as torch.save writes it.
fn sound() -> Vec<u8> {
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x01\0\0\0wq\x02".to_vec();
    bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\0\0\0storage");
    bytes.extend(b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ");
    bytes.extend(b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89h\x00)RtRu}b.");
    bytes
}

#[test]
fn a_state_dict_is_read() {
    let sound = sound();
    let read = read(&sound).expect("a sound pickle");
    assert_eq!(read.end, sound.len());
    let [dict] = read.contents.dicts.as_slice() else { panic!("one dictionary") };
    assert!(dict.place.is_empty() && !dict.module);
    assert_eq!(dict.names, [("w".to_owned(), 0)].into());
    let [tensor] = read.tensors.as_slice() else { panic!("one tensor") };
    assert_eq!((tensor.element.name, tensor.offset), ("FloatStorage", 0));
    assert_eq!((&tensor.size[..], &tensor.stride[..]), (&[2, 3][..], &[3, 1][..]));
    assert_eq!(tensor.numbers, Numbers::Storage("0"));
    assert_eq!(read.storages["0"], 4);
}

/// A dictionary with these entries, each the pickle of its value without protocol and stop.
fn dictionary(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(".to_vec();
    for (name, value) in entries {
        bytes.push(b'X');
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.bytes());
        bytes.extend(*value);
    }
    bytes.extend(b"u.");
    bytes
}

#[test]
fn all_dictionaries_with_tensors_are_found() {
    let sound = sound();
    let inner = &sound[2..sound.len() - 1];
    let accuracy = b"G\x40\x56\xee\xb8\x51\xeb\x85\x1f";
    let optimizer = dictionary(&[("lr", accuracy)]);
    let bytes = dictionary(&[
        ("epoch", b"K\x03"),
        ("optimizer", &optimizer[2..optimizer.len() - 1]),
        ("model", inner),
        ("best_prec1", accuracy),
        ("ema", inner),
    ]);
    let read = read(&bytes).expect("a checkpoint");
    let places: Vec<String> = read.contents.dicts.iter().map(|d| d.place.join(".")).collect();
    assert_eq!(places, ["", "model", "ema"]);
    let names: Vec<&String> = read.contents.dicts[0].names.keys().collect();
    assert_eq!(names, ["ema.w", "model.w"]);
}

#[test]
fn every_truncation_is_an_error_and_no_panic() {
    let bytes = sound();
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}

#[test]
fn every_changed_byte_is_survived() {
    let bytes = sound();
    for at in 0..bytes.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let _ = read(&changed);
        }
    }
}

#[test]
fn other_callables_are_carried_and_not_called() {
    let sound = sound();
    let call = b"cposix\nsystem\nX\x02\0\0\0ls\x85R";
    let bytes = dictionary(&[("state_dict", &sound[2..sound.len() - 1]), ("shell", call)]);
    let mut places = read(&bytes).expect("read").contents.dicts.into_iter().map(|dict| dict.place);
    assert_eq!(places.next_back().as_deref(), Some(&["state_dict".to_owned()][..]));
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let mut bytes = b"\x80\x02N".to_vec();
    bytes.extend(std::iter::repeat_n(0x85, 1_000_000));
    bytes.push(b'.');
    assert!(read(&bytes).expect("read").contents.dicts.is_empty());
    // Dictionaries that lie in one another, and one that lies in itself.
    let nested =
        [&b"\x80\x02"[..], &b"}X\x01\0\0\0a".repeat(100_000), b"N", &b"s".repeat(100_000), b"."];
    assert!(read(&nested.concat()).expect("read").contents.dicts.is_empty());
    let itself = b"\x80\x02}q\x00(X\x01\0\0\0ah\x00X\x01\0\0\0bh\x00u.";
    assert!(refused(itself).contains("more names"));
}

/// What is said to a pickle, at once.
fn refused(bytes: &[u8]) -> String {
    let began = std::time::Instant::now();
    let error = read(bytes).err().expect("refused");
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    error
}

#[test]
fn what_is_recalled_is_not_copied() {
    // A text of 200 KB, a hundred thousand times: 20 GB if each were one of its own.
    let mut bytes = b"\x80\x02X".to_vec();
    bytes.extend(200_000_u32.to_le_bytes());
    bytes.extend(std::iter::repeat_n(b'a', 200_000));
    bytes.extend(b"q\x00]q\x01(");
    bytes.extend(b"h\x00".repeat(100_000));
    bytes.extend(b"e.");
    let (texts, end) = texts(&bytes).expect("a list of texts");
    assert_eq!((texts.len(), end), (100_000, bytes.len()));
    assert_eq!(texts[0].as_ptr(), texts[99_999].as_ptr());
}

#[test]
fn tensors_of_absurd_rank_are_refused() {
    let mut bytes = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage".to_vec();
    bytes.extend(b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQK\x00(");
    bytes.extend(b"K\x01".repeat(100_000));
    bytes.extend(b"tq\x00h\x00\x89)tR.");
    let error = refused(&bytes);
    assert!(error.contains("100000 dimensions, expected at most 16"), "{error}");
}

#[test]
fn floods_of_any_operation_are_stopped() {
    for flood in [&b")"[..], b"(", b"}", b"N", b"h\x00", b"r\x00\0\0\0"] {
        let mut bytes = b"\x80\x02Nq\x00".to_vec();
        for slot in 0..2_200_000_u32 {
            match flood {
                b"r\x00\0\0\0" => bytes.extend([&b"r"[..], &slot.to_le_bytes()].concat()),
                _ => bytes.extend(flood),
            }
        }
        bytes.push(b'.');
        let error = refused(&bytes);
        assert!(error.contains("more than 2097152 values"), "{error}");
    }
}
