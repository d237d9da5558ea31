// What all loops of the network process share.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// Constant, or protected by a lock or an atomic that is not on the path of a byte.
struct Commons: Sendable {
    let settings: NetworkSettings
    /// Nil for `--plaintext`, and if no session secrets are written.
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
