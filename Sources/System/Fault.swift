// Why something could not be done: the shape shared by the errors of all layers.
// SPDX-License-Identifier: Apache-2.0

/// What failed, such as streams, files or command tables: a type without values, which keeps its codes
/// separate from those of others.
public protocol FaultDomain {
    /// What would help, if saying so takes the name of an option. Only the programs have options, so
    /// the wording is theirs. An enum, so that the compiler demands the wording of each case.
    associatedtype Remedy: Hashable, Sendable = Never
}

/// A failure in one domain. If the domain has remedies, a fault is not a text by itself, so that none is
/// shown without its remedy.
public struct Fault<Domain: FaultDomain>: Error, Hashable, Sendable {
    /// What to branch on. Layers above a domain's own may add codes.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }
    }

    /// What is wrong, for programs.
    public var code: Code { Code(rawValue: contents.code) }
    /// The file, or the place in one, that it is about, if the sentence doesn't say so.
    public var place: FilePlace? { contents.place }
    /// One sentence without a full stop: what failed and on what, why, and what to do, unless `remedy`
    /// says that.
    public var sentence: String { contents.sentence }
    /// What to do, if saying so takes the name of an option; nil if the sentence says it.
    public var remedy: Domain.Remedy? { contents.remedy }
    /// The underlying cause, as whoever found it first had it; nil if that is this fault itself.
    public var cause: Cause? { contents.cause }

    /// In a separate object: each session has room for several faults and usually needs none.
    private let contents: FaultContents<Domain.Remedy>

    package init(
        _ code: Code, in place: FilePlace? = nil, _ sentence: String, remedy: Domain.Remedy? = nil,
        cause: Cause? = nil
    ) {
        contents = FaultContents(code.rawValue, place, sentence, remedy, cause)
    }

    /// The same, with its underlying cause.
    package func caused(by cause: Cause) -> Self {
        Self(code, in: place, sentence, remedy: remedy, cause: cause)
    }

    /// The same with another sentence, for a caller that knows more about what was attempted. Place,
    /// remedy and cause are kept, so that nothing is lost on the way up.
    ///
    /// - Parameter code: another one, if the fault means something else up there.
    package func saying(_ sentence: String, as code: Code? = nil) -> Self {
        Self(code ?? self.code, in: place, sentence, remedy: remedy, cause: cause)
    }

    /// The place, if there is one, and the sentence.
    package var placedSentence: String { place.map { "\($0): \(sentence)" } ?? sentence }

    public static func == (a: Self, b: Self) -> Bool {
        a.code == b.code && a.place == b.place && a.sentence == b.sentence && a.remedy == b.remedy
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(place)
        hasher.combine(sentence)
        hasher.combine(remedy)
    }
}

extension Fault: CustomStringConvertible where Domain.Remedy == Never {
    /// The place, if there is one, and the sentence.
    public var description: String { placedSentence }
}

/// For debuggers and failed tests.
extension Fault: CustomDebugStringConvertible {
    public var debugDescription: String {
        "\(code): \(placedSentence)" + (remedy.map { " [\($0)]" } ?? "")
    }
}

/// A file, or a position in its text; printed as `FILE` or `FILE:LINE:COLUMN`.
public struct FilePlace: Hashable, Sendable, CustomStringConvertible {
    /// Safe to print.
    public let file: String
    /// From 1; nil if the whole file is meant.
    public let line: Int?
    /// In Unicode scalars, from 1; nil if `line` is.
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

/// The underlying cause of a fault, for callers that need more than its code.
public enum Cause: Hashable, Sendable {
    /// A system call has failed.
    case system(Errno)
    /// OpenSSL's reasons, the first one first.
    case openSSL([String])
    /// What is wrong with a certificate: X.509's number and its sentence
    /// (X509_STORE_CTX_get_error(3)).
    case certificate(Int32, String)
}

/// The contents of a fault, shared by its copies.
private final class FaultContents<Remedy: Sendable>: Sendable {
    let code: String
    let place: FilePlace?
    let sentence: String
    let remedy: Remedy?
    let cause: Cause?

    init(
        _ code: String, _ place: FilePlace?, _ sentence: String, _ remedy: Remedy?, _ cause: Cause?
    ) {
        self.code = code
        self.place = place
        self.sentence = sentence
        self.remedy = remedy
        self.cause = cause
    }
}
