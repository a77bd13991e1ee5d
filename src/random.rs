//! Octets that nobody can guess, from the system: OpenSSL would first set up all its ciphers, a
//! sixth of what a request to `webhook:receive` costs.

use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

/// `N` random octets, at most 256: the system gives so many at once.
pub fn octets<const N: usize>() -> Result<[u8; N], Errno> {
    const { assert!(N <= 256) };
    let mut octets = [0; N];
    match rustix::io::retry_on_intr(|| getrandom(&mut octets, GetRandomFlags::empty()))? {
        given if given == N => Ok(octets),
        _ => Err(Errno::IO),
    }
}

#[cfg(test)]
mod tests {
    use super::octets;

    #[test]
    fn no_two_are_alike() {
        assert_ne!(octets::<16>().unwrap(), octets::<16>().unwrap());
    }
}
