// swift-tools-version: 6.2
// Examples: what another package needs to use Parley's libraries.
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "parley-examples",
    dependencies: [
        // Elsewhere, the repository's URL and `from:` with a version.
        .package(name: "parley", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "one-command",
            dependencies: [.product(name: "ParleyClient", package: "parley")]),
        .executableTarget(
            name: "disk-report",
            dependencies: [.product(name: "ParleyClient", package: "parley")]),
        .executableTarget(
            name: "tls-hello", dependencies: [.product(name: "ParleyTLS", package: "parley")]),
    ],
    swiftLanguageModes: [.v6]
)
