// What all loops of the network process share.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// Constant, or behind a lock or an atomic that no byte passes.
struct Commons: Sendable {
    let settings: NetworkSettings
    /// Nil for `--plaintext`, and where session secrets are not written.
    let keyLog: KeyLog?
    let door: Door
    let census = Census()
    let descriptors = FreeDescriptors()

    init(_ settings: NetworkSettings, keyLog: KeyLog?) {
        self.settings = settings
        self.keyLog = keyLog
        door = Door(settings.strangers)
    }
}
