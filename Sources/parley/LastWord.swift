// The last message before the process ends.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Records

extension Log {
    /// Writes the last message before the process ends, as an object if `run` was asked for
    /// objects.
    ///
    /// - Parameter server: what the message is about; nil if it is about something else.
    static func end(
        _ program: String, _ sentence: String, status: Int32, code: String = "failed",
        run: RunOptions?, server: NamedServer? = nil
    ) -> Never {
        let named = server?.named(sentence) ?? sentence
        guard let run, run.tellsObjects else { end(program, named, status: status) }
        let line = run.failure(code: code, sentence, status: status).line
        if let number = run.statusDescriptor { unsafe Glibc.write(number, line, line.count) }
        guard run.isJSON else { end(program, named, status: status) }
        unsafe Glibc.write(2, line, line.count)
        exit(status)
    }
}
