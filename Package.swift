// swift-tools-version: 6.2
// What is built: the layers as modules, whose imports point down only, and the two executables.
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Set by the scripts that build the programs as they are released. Releases of SwiftPM refuse to build a dependency
/// that has unsafe flags, so that the libraries have none where it isn't.
let isReleased = Context.environment["PARLEY_RELEASE"] != nil

func released(_ flags: [String]) -> [SwiftSetting] {
    isReleased ? [.unsafeFlags(flags, .when(configuration: .release))] : []
}

func releasedInC(_ flags: [String]) -> [CSetting] {
    isReleased ? [.unsafeFlags(flags, .when(configuration: .release))] : []
}

/// Where the sources are is no part of what is built, so that two builds are the same, byte for byte. Debugging
/// information would name the compiler's own files of C modules as well, whose names depend on the folder.
let sources = "\(Context.packageDirectory)=."

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
    ]
    // Objects are confined to their loop's thread. Debug builds, and so all tests, check that
    // accesses don't overlap; the check at each access would cost a reply a tenth of its time.
    // With a section for each function the linker leaves out those that nobody calls.
    + released([
        "-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections",
        "-file-prefix-map", sources, "-Xfrontend", "-no-clang-module-breadcrumbs",
    ])

let unplaced = releasedInC(["-ffile-prefix-map=\(sources)"])

/// For modules whose time goes into system calls, or that have little to do for a message: small rather than
/// fast: TLS waits for OpenSSL, which does the work. What parses or matches requests, or moves a program's bytes, isn't among
/// them.
let small = settings + released(["-Osize"])

/// The products' relocations take half a megabyte of each unless they are packed, which glibc reads
/// from 2.36 (Debian 12) on, and of the toolchain's linkers only lld writes. SwiftPM has executables
/// export every symbol, which nobody looks up; their names take 200 KB of each. Tables for
/// unwinding, which nobody does, take a megabyte of each. What the dynamic linker has found is then
/// read-only (`-z now`). The little that Swift's runtime uses of the C++ library is linked in: its
/// thousands of symbols were most of what a start had to look up.
let linking: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker",
            "--no-export-dynamic", "-Xlinker", "--no-eh-frame-hdr", "-Xlinker", "-T",
            "-Xlinker", "\(Context.packageDirectory)/scripts/sections.ld", "-Xlinker", "-z",
            "-Xlinker", "now", "-L\(Context.packageDirectory)/scripts/static", "-Xlinker",
            "--as-needed",
        ],
        .when(configuration: .release))
]

/// The fuzzers' code: their tests replay what is kept of them; `scripts/fuzz` builds the same as a
/// program, with flags that only that build has.
let isFuzzed = Context.environment["PARLEY_FUZZED"] != nil
let fuzzed: [Target.Dependency] = [
    "System", "Sockets", "TLS", "JSON5", "Commands", "Remote", "Records", "Console", "Broker",
]
let fuzzers: Target =
    isFuzzed
    ? .executableTarget(
        name: "fuzzers", dependencies: fuzzed, path: "Tests/Fuzz",
        exclude: [".gitattributes", "corpus", "dictionaries", "Replay"], swiftSettings: settings)
    : .testTarget(
        name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz",
        exclude: [".gitattributes", "corpus", "dictionaries", "Driver"], swiftSettings: settings)

let package = Package(
    name: "parley",
    products: [
        .executable(name: "parleyd", targets: ["parleyd"]),
        .executable(name: "parley", targets: ["parley"]),
        .library(name: "ParleyClient", targets: ["ParleyClient"]),
        // What a program needs to use a TLSStream.
        .library(name: "ParleyTLS", targets: ["TLS", "Sockets"]),
    ],
    targets: [
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev", "pkg-config"])]),
        .target(name: "CLinux", cSettings: unplaced),
        .target(
            name: "CProvider", dependencies: ["COpenSSL"],
            cSettings: [
                .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
            ] + unplaced
                // Not in CLinux: what it starts runs beside threads whose storage it may not touch.
                + releasedInC(["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"])),
        .target(name: "System", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "Sockets", dependencies: ["CLinux", "System"], swiftSettings: settings),
        .target(
            name: "TLS", dependencies: ["COpenSSL", "CProvider", "System", "Sockets"],
            swiftSettings: small),
        .target(name: "JSON5", dependencies: ["System"], swiftSettings: settings),
        .target(name: "Commands", dependencies: ["System", "JSON5"], swiftSettings: settings),
        .target(
            name: "Programs", dependencies: ["CLinux", "System", "Sockets"],
            swiftSettings: small),
        .target(
            name: "Conversations", dependencies: ["System", "Sockets"], swiftSettings: settings),
        .target(
            name: "Hosts", dependencies: ["JSON5", "System", "Sockets", "TLS"], swiftSettings: small
        ),
        .target(name: "Remote", dependencies: ["System", "Sockets"], swiftSettings: settings),
        .target(
            name: "ParleyClient", dependencies: ["System", "Sockets", "TLS", "Remote"],
            swiftSettings: settings),
        .target(
            name: "Broker",
            dependencies: ["CLinux", "System", "Sockets", "Remote", "Commands", "Programs"],
            swiftSettings: small),
        .target(
            name: "Vouching", dependencies: ["System", "Sockets", "Remote", "TLS", "Broker"],
            swiftSettings: small),
        .target(
            name: "Serving",
            dependencies: ["System", "Sockets", "Conversations", "Remote", "Commands", "Broker"],
            swiftSettings: settings),
        .target(
            name: "Records", dependencies: ["System"], swiftSettings: small),
        .target(
            name: "Console",
            dependencies: ["CLinux", "System", "Sockets", "TLS", "Conversations", "Records"],
            swiftSettings: small),
        .executableTarget(
            name: "parleyd",
            dependencies: [
                "CLinux", "System", "Sockets", "TLS", "Commands", "Programs", "Conversations",
                "Remote", "Broker", "Vouching", "Serving", "Records", "Console",
            ],
            swiftSettings: small, linkerSettings: linking),
        .executableTarget(
            name: "parley",
            dependencies: [
                "System", "Sockets", "TLS", "Hosts", "Conversations", "Remote", "ParleyClient",
                "Records", "Console",
            ],
            swiftSettings: small, linkerSettings: linking),
        // Not products: the benchmark's load, and the server in C that it compares with.
        .executableTarget(
            name: "parley-bench",
            dependencies: [
                "CLinux", "System", "Sockets", "TLS", "Conversations", "Remote", "Records",
                "Console",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "parley-reference", dependencies: ["COpenSSL", "CProvider"],
            path: "Tests/Reference",
            cSettings: [
                .headerSearchPath("../../Sources/CLinux"),
                .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
            ]),
        // Confines itself, for the tests of that.
        .executableTarget(
            name: "confined", dependencies: ["CLinux", "System", "Sockets", "TLS", "Broker"],
            path: "Tests/Confined", swiftSettings: settings),
        // What the tests share.
        .testTarget(
            name: "TestSupport", dependencies: ["System", "Sockets"], path: "Tests/Support",
            swiftSettings: settings),
        .testTarget(
            name: "SystemTests", dependencies: ["System", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "ConfinementTests", dependencies: ["System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SocketsTests", dependencies: ["System", "Sockets", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "TLSTests",
            dependencies: [
                "TLS", "COpenSSL", "CProvider", "System", "Sockets", "Remote", "Broker", "Vouching",
                "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "JSON5Tests", dependencies: ["JSON5", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CommandsTests", dependencies: ["Commands", "JSON5", "System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "HostsTests", dependencies: ["Hosts", "JSON5", "System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ProgramsTests", dependencies: ["Programs", "System", "Sockets", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "BrokerTests",
            dependencies: [
                "Broker", "CLinux", "System", "Sockets", "Remote", "Commands", "Programs",
                "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ConversationsTests", dependencies: ["Conversations", "Sockets", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "RemoteTests", dependencies: ["Remote", "System", "Sockets", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ParleyClientTests",
            dependencies: ["ParleyClient", "TLS", "Sockets", "System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "Serving", "Broker", "Conversations", "Remote", "System", "Sockets", "Commands",
                "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RecordsTests",
            dependencies: ["CLinux", "Records", "Remote", "System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ConsoleTests",
            dependencies: [
                "Console", "System", "Conversations", "Sockets", "TLS", "Records", "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ParleydTests",
            dependencies: [
                "parleyd", "Commands", "System", "Sockets", "Console", "TLS", "Remote", "Records",
                "Broker", "Vouching", "TestSupport",
            ],
            swiftSettings: settings),
        fuzzers,
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
