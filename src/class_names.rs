//! What a class is called.

/// The name of a class, or its number where there is no name, or an empty one.
pub(crate) fn class_name(names: &[String], class: usize) -> String {
    match names.get(class) {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => format!("class {class}"),
    }
}
