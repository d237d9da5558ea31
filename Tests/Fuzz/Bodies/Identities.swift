// Fuzzes pins, and identities as a table has them.
// SPDX-License-Identifier: Apache-2.0
import Console

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
    try require(isSame(table.identities, [text]), "a table tells whom it names")
    let isKey = text.utf8.starts(with: "key:".utf8)
    for (asked, isAllowed) in [
        (text, true), (text + " ", false), (text + "\u{301}", false),
        (String(text.dropLast()), false),
        (text.uppercased(), isSame(text, text.uppercased())), ("anyone", false), ("", false),
    ] {
        let identity = Identity(names: isKey ? [] : [asked], key: isKey ? asked : "")
        try require(
            entry.permits(identity) == isAllowed, "an identity is allowed by exactly its bytes")
    }
}
