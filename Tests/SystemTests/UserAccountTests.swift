// What the system says of this process's user.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System

@Suite(.timeLimit(.minutes(1)))
struct UserAccountTests {
    @Test func account_isWhatTheSystemHasOfThisUser() {
        let account = UserAccount.current()
        guard let entry = unsafe getpwuid(geteuid()) else {
            #expect(account.name == "\(geteuid())")
            #expect(account.home == "/")
            return
        }
        let name = unsafe String(cString: entry.pointee.pw_name)
        let home = unsafe String(cString: entry.pointee.pw_dir)
        #expect(account.name == name)
        #expect(account.home == (home.isEmpty ? "/" : home))
    }

    @Test func numberWithoutAnEntry_isNobody_andItsOwnName() {
        // The one that no user can have (chown(2)).
        let number = uid_t.max
        #expect(UserAccount(number: number) == nil)
        #expect(account(number) == "4294967295")
        #expect(userName(number) == "user 4294967295")
    }

    @Test func userOfThisProcess_isCalledTheSameInASentence() {
        #expect(account(geteuid()) == UserAccount.current().name)
    }

    @Test func account_isToldToPrograms() {
        let account = UserAccount(name: "n", home: "/h", shell: "/s")
        #expect(
            account.environment == ["HOME": "/h", "USER": "n", "LOGNAME": "n", "SHELL": "/s"])
    }
}
