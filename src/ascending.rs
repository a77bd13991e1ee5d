//! Rows in the order of a key, before they are written or looked up: neighbours share a page.

use std::cmp::Ordering;

/// The places of `keys` in the order of their octets; equal ones stay as they came.
///
/// The first 16 octets stand beside each place, so that most comparisons need not look at the key,
/// which lies anywhere in memory.
pub(crate) fn ascending<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Vec<usize> {
    let mut order: Vec<(u128, &[u8], usize)> = keys
        .into_iter()
        .enumerate()
        .map(|(place, key)| (head(key), key, place))
        .collect();
    order.sort_unstable_by(|a, b| match a.0.cmp(&b.0) {
        Ordering::Equal => (a.1, a.2).cmp(&(b.1, b.2)),
        other => other,
    });
    order.into_iter().map(|(.., place)| place).collect()
}

/// The first octets as a number; what is missing counts as zeros.
fn head(key: &[u8]) -> u128 {
    let mut head = [0; 16];
    let length = key.len().min(16);
    head[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::ascending;

    #[test]
    fn it_is_the_order_of_a_stable_sort() {
        let mut keys: Vec<Vec<u8>> = vec![vec![], vec![0], vec![0, 0], b"ab".to_vec()];
        for number in 0..200_u8 {
            // Long common starts, prefixes of one another, and equal ones.
            let text = format!("user-of-a-long-name-{}", u32::from(number) * 7919 % 60);
            keys.push(text.as_bytes()[..text.len() - usize::from(number % 3)].to_vec());
            keys.push(vec![number; usize::from(number % 20)]);
        }
        let mut expected: Vec<usize> = (0..keys.len()).collect();
        expected.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        assert_eq!(ascending(keys.iter().map(Vec::as_slice)), expected);
    }
}
