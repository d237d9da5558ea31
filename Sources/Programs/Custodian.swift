// What a program's keeper, or its control group alone, is for the program.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Whoever has started a program and can end it with everything that it starts. Confined to its loop.
protocol Custodian: AnyObject {
    /// The program's process ID; nil until it runs. Reported only if it takes input, or within milliseconds.
    var program: Int32? { get }
    /// Why it was not started; it is then over.
    var failure: StreamError? { get }
    /// How the program itself ended.
    var end: ProgramEnd? { get }
    /// Nothing of the command is running any more, or nobody can tell.
    var isOver: Bool { get }
    /// How many processes were ended by a signal that was requested.
    var signalled: Int { get }
    /// Which limits of its control group it has reached; known once it is over.
    var reached: Set<Controller> { get }

    /// Sends SIGTERM to every process of the command.
    func terminate()
    /// Sends SIGKILL to every process of the command until none is left.
    func kill()
    /// Lets what the program left behind keep running; the command is then over. Only for those that may do so.
    func leaveRunning()
    /// Nobody asks any more: if it is not over, SIGKILL ends all of it.
    func abandon()
}
