//! `peeringd demo --once`, the whole of it: both sides in one process, over real TCP.

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn the_partner_holds_exactly_the_rib() {
        let output = Command::new(env!("CARGO_BIN_EXE_peeringd")).args(["demo", "--once"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("exactly the RIB on every session"), "{said}");
    }
}
