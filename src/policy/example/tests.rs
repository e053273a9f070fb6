//! Examples of policies hold, and examples that do not hold are told.

use crate::policy::builtin::{BUILTINS, builtin};
use crate::policy::read;

#[test]
fn every_builtin_has_examples_and_they_hold() {
    for (name, _) in BUILTINS {
        let policy = builtin(name).unwrap().unwrap();
        assert!(policy.examples.len() >= 2, "{name} has too few examples");
        for example in &policy.examples {
            assert_eq!(example.run(&policy), Ok(()), "{name}: {}", example.name);
        }
    }
}

#[test]
fn an_example_that_does_not_hold_says_what_differs() {
    let text = "\
version: 1
policy: p
rules: {tag: {forbid: [latest]}}
examples:
- {name: a, image: 'r.example/api:latest', verdict: allow}
- {name: b, image: 'r.example/api:latest', verdict: deny, says: [no such words]}
- {name: c, image: 'r.example/api:latest', verdict: deny, rules: [signature]}
- {name: d, image: 'r.example/api:latest', verdict: deny, rules: [tag], says: [forbidden tag]}
";
    let policy = read("p.yaml", text.as_bytes()).unwrap();
    let told: Vec<String> = policy
        .examples
        .iter()
        .map(|one| one.run(&policy).err().map_or_else(String::new, |failed| failed.why))
        .collect();
    assert_eq!(
        told,
        [
            "expected allow, found deny",
            "nothing says `no such words`",
            "expected a no of signature, found one of tag",
            ""
        ]
    );
}

#[test]
fn an_example_that_cannot_be_read_is_a_fault() {
    let text = "\
version: 1
policy: p
rules: {tag: {forbid: [latest]}}
examples:
- {name: a, image: 'UPPER/x', verdict: allow}
- {name: b, image: 'r.example/x', verdict: perhaps, evidence: {signd_by: [x]}}
";
    let told: Vec<String> =
        read("p.yaml", text.as_bytes()).unwrap_err().into_iter().map(|fault| fault.message).collect();
    assert!(told.iter().any(|message| message.contains("`verdict` must be")), "{told:?}");
}
