// Why something could not be done: the one shape of every layer's errors.
// SPDX-License-Identifier: Apache-2.0

/// A failure in one domain, such as streams, files or command tables. A domain is a type without values,
/// which keeps its codes apart from those of others.
public struct Fault<Domain>: Error, Hashable, Sendable, CustomStringConvertible {
    /// What to branch on. Layers above a domain's own may add codes.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }
    }

    /// What is wrong, for programs.
    public var code: Code { Code(rawValue: contents.code) }
    /// Which file, or which place in one, it is about, where the sentence doesn't say so.
    public var place: FilePlace? { contents.place }
    /// One sentence without its full stop: what failed and on what, why, and what to do.
    public var sentence: String { contents.sentence }
    /// What it goes back to, as whoever found it first had it; nil where that is this fault itself.
    public var cause: Cause? { contents.cause }

    /// The place, where there is one, and the sentence.
    public var description: String {
        contents.place.map { "\($0): \(contents.sentence)" } ?? contents.sentence
    }

    /// In an object of its own: each session has room for several faults and needs none.
    private let contents: FaultContents

    package init(
        _ code: Code, in place: FilePlace? = nil, _ sentence: String, cause: Cause? = nil
    ) {
        contents = FaultContents(code.rawValue, place, sentence, cause)
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.code == b.code && a.description == b.description
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(description)
    }
}

/// A file, or a place in its text; printed as `FILE` or `FILE:LINE:COLUMN`.
public struct FilePlace: Hashable, Sendable, CustomStringConvertible {
    /// Safe to print.
    public let file: String
    /// From 1; nil where the whole file is meant.
    public let line: Int?
    /// In Unicode scalars, from 1; nil where `line` is.
    public let column: Int?

    package init(_ file: String, line: Int? = nil, column: Int? = nil) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String {
        guard let line, let column else { return file }
        return "\(file):\(line):\(column)"
    }
}

/// What a fault goes back to, for whoever wants more than its code.
public enum Cause: Hashable, Sendable {
    /// A system call has failed.
    case system(Errno)
    /// OpenSSL's reasons, the first one first.
    case openSSL([String])
    /// What is wrong with a certificate: X.509's number and its sentence
    /// (X509_STORE_CTX_get_error(3)).
    case certificate(Int32, String)
}

/// The same for all domains.
private final class FaultContents: Sendable {
    let code: String
    let place: FilePlace?
    let sentence: String
    let cause: Cause?

    init(_ code: String, _ place: FilePlace?, _ sentence: String, _ cause: Cause?) {
        self.code = code
        self.place = place
        self.sentence = sentence
        self.cause = cause
    }
}
