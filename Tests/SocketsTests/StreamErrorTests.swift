// The codes that callers branch on.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets

@Suite struct StreamErrorTests {
    @Test(
        arguments: [
            (EADDRINUSE, .addressInUse), (EADDRNOTAVAIL, .addressUnavailable),
            (EACCES, .addressUnavailable), (ECONNREFUSED, .refused), (ENETUNREACH, .unreachable),
            (EHOSTUNREACH, .unreachable), (ECONNRESET, .reset), (EPIPE, .reset),
            (ECONNABORTED, .reset), (ETIMEDOUT, .connectTimedOut), (EMFILE, .descriptorsExhausted),
            (ENFILE, .descriptorsExhausted), (EINVAL, .system), (0, .system),
        ] as [(Int32, StreamError.Code)])
    func code_isChosenByErrno(number: Int32, code: StreamError.Code) {
        let error = StreamError("connect", errno: number)
        #expect(error.code == code)
        #expect(error.cause == .system(Errno(number)))
    }

    @Test(
        arguments: [
            (EMFILE, .raiseDescriptorLimit), (ENFILE, .raiseSystemDescriptorLimit),
            (EAGAIN, .raiseProcessLimit), (ENOMEM, nil),
        ] as [(Int32, Streams.Remedy?)])
    func whatCantBeStarted_hasALimitToRaise(number: Int32, remedy: Streams.Remedy?) {
        #expect(StreamError("cannot start it", started: Errno(number)).remedy == remedy)
        #expect(StreamError(noThread: Errno(number)).remedy == remedy)
        // Elsewhere it means that there is nothing to be had yet.
        let other = StreamError("read", errno: number)
        #expect(other.remedy == (number == EAGAIN ? nil : remedy))
    }

    @Test func description_saysWhatFailedAndWhy() {
        let error = StreamError("cannot listen on 127.0.0.1:80", errno: EADDRINUSE)
        #expect(error.sentence == "cannot listen on 127.0.0.1:80: Address already in use")
    }

    @Test(
        arguments: [
            (0, "0 s"), (10, "10 s"), (0.5, "0.5 s"), (2.25, "2.25 s"), (31_536_000, "31536000 s"),
            (0.3, "0.3 s"), (1.123_456_789, "1.123456789 s"), (1e-7, "1e-07 s"),
        ] as [(Double, String)])
    func seconds_areWrittenWithoutAnEmptyFraction(seconds: Double, text: String) {
        #expect(Duration(seconds: seconds).words == text)
    }
}
