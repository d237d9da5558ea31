// Fuzzes pins, and identities as a table has them.
// SPDX-License-Identifier: Apache-2.0
import Console
import Records

@testable import Commands
@testable import TLS

func fuzzPin(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let pin = try? Pin(text) {
        try require(pin.keyHash.count == 32, "a pin is a SHA-256")
        try require(isSame(pin.description, text), "a pin is written as it was read")
        try require(
            Identity.isIdentity("key:sha256:" + text.dropFirst("sha256//".count)),
            "a pin's hash is an identity")
    }
    // The other way: any hash, from the same bytes.
    var hash = Array(bytes.prefix(32))
    hash += [UInt8](repeating: 0, count: 32 - hash.count)
    let pin = Pin(keyHash: hash)
    try require((try? Pin(pin.description)) == pin, "a pin is read as it was written")
}

func fuzzIdentity(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    // Each in the table's file as JSON has it.
    var quoted = JSONLine()
    quoted.add("allow", [text])
    quoted.add("run", ["/bin/true"])
    let line = String(decoding: quoted.line.dropLast(), as: UTF8.self)
    let table = try? CommandTable(text: "{commands: {c: \(line)}}", name: "t")
    guard Identity.isIdentity(text) else {
        try require(
            table == nil || isSame(text, "anyone"), "a table names nobody but identities")
        return
    }
    guard let table, let entry = table["c"] else {
        throw Finding(description: "a table takes each identity")
    }
    let canonical = String(
        decoding: IdentityText.canonical(Array(text.utf8)), as: UTF8.self)
    try require(isSame(table.identities, [canonical]), "a table tells whom it names")
    try require(Identity.isIdentity(canonical), "the one spelling is an identity")
    let isKey = text.utf8.starts(with: "key:".utf8)
    for asked in [
        text, canonical, text + " ", text + "\u{301}", String(text.dropLast()),
        text.uppercased(), text.lowercased(), "anyone", "",
    ] {
        let isAllowed =
            isKey
            ? isSame(asked, text)
            : Identity.isIdentity(asked)
                && isSame(
                    String(decoding: IdentityText.canonical(Array(asked.utf8)), as: UTF8.self),
                    canonical)
        let identity = Identity(names: isKey ? [] : [asked], key: isKey ? asked : "")
        try require(
            entry.permits(identity) == isAllowed, "an identity is allowed by its one spelling")
    }
}
