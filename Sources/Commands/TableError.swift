// Why a command table can't be used.
// SPDX-License-Identifier: Apache-2.0
public import JSON5

/// The first mistake in a command table, found before any of it takes effect.
public typealias TableError = TextError

extension TableError.Code {
    public static var reservedName: Self { Self(rawValue: "reservedName") }
    /// The program does not exist, is not executable, or is not an absolute path.
    public static var invalidProgram: Self { Self(rawValue: "invalidProgram") }
    /// A `{name}` where none is allowed.
    public static var invalidPlaceholder: Self { Self(rawValue: "invalidPlaceholder") }
    /// A `{name}` without its pattern.
    public static var undefinedArgument: Self { Self(rawValue: "undefinedArgument") }
    /// A pattern without its `{name}`.
    public static var unusedArgument: Self { Self(rawValue: "unusedArgument") }
    /// There is no user with this name.
    public static var unknownUser: Self { Self(rawValue: "unknownUser") }
    /// A user that this process can't start programs as.
    public static var impossibleUser: Self { Self(rawValue: "impossibleUser") }
    /// A limit that can't be enforced here.
    public static var impossibleLimit: Self { Self(rawValue: "impossibleLimit") }
    public static var invalidPattern: Self { Self(rawValue: "invalidPattern") }
    public static var invalidIdentity: Self { Self(rawValue: "invalidIdentity") }
    public static var unknownGroup: Self { Self(rawValue: "unknownGroup") }
    public static var groupCycle: Self { Self(rawValue: "groupCycle") }
}
