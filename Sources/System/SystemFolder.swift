// Where the system's own files are.
// SPDX-License-Identifier: Apache-2.0

/// This program's folder for the whole system, which need not exist.
package enum SystemFolder {
    package static let configuration = "/etc/parley"
}
