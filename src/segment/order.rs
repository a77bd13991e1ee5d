//! Segments that refer to segments: what is built before what, and circles.

use std::collections::HashMap;

/// Each segment's name and those it refers to.
pub(super) type References<'r> = HashMap<&'r str, Vec<&'r str>>;

/// The waves in which segments can be built: each refers only to earlier ones. Names that are not
/// segments are passed over. The error is a circle, from a segment back to itself.
pub(super) fn waves<'r>(references: &References<'r>) -> Result<Vec<Vec<&'r str>>, Vec<&'r str>> {
    let mut heights: HashMap<&str, usize> = HashMap::new();
    let mut names: Vec<&str> = references.keys().copied().collect();
    names.sort_unstable();
    for name in &names {
        height(name, references, &mut heights, &mut Vec::new())?;
    }
    let mut waves: Vec<Vec<&str>> = Vec::new();
    for name in names {
        let height = heights[name];
        waves.resize_with(waves.len().max(height + 1), Vec::new);
        waves[height].push(name);
    }
    Ok(waves)
}

/// How many waves stand before `name`.
fn height<'r>(
    name: &'r str,
    references: &References<'r>,
    heights: &mut HashMap<&'r str, usize>,
    path: &mut Vec<&'r str>,
) -> Result<usize, Vec<&'r str>> {
    if let Some(height) = heights.get(name) {
        return Ok(*height);
    }
    if let Some(start) = path.iter().position(|before| *before == name) {
        let mut circle = path.split_off(start);
        circle.push(name);
        return Err(circle);
    }
    path.push(name);
    let mut highest = 0;
    for other in references.get(name).into_iter().flatten() {
        if references.contains_key(other) {
            highest = highest.max(height(other, references, heights, path)? + 1);
        }
    }
    path.pop();
    heights.insert(name, highest);
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referred_segments_come_first_and_circles_are_named() {
        let mut references: References<'_> = HashMap::from([
            ("all", vec!["a", "b"]),
            ("b", vec!["a", "gone"]),
            ("a", vec![]),
            ("alone", vec![]),
        ]);
        assert_eq!(
            waves(&references).unwrap(),
            [vec!["a", "alone"], vec!["b"], vec!["all"]]
        );
        references.insert("a", vec!["all"]);
        let circle = waves(&references).unwrap_err();
        assert_eq!(circle.first(), circle.last());
        assert!(circle.len() > 2, "{circle:?}");
    }
}
