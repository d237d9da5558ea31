# SPDX-License-Identifier: Apache-2.0
"""Strangers to talk to: each protocol's two ends over Python's `socket`, with `ssl` on request.

    peers.py {hello,greeting,command,chat} {server,client} PORT [--certs FOLDER]

They serve one session, as plainly as a first program would: one `recv` is a message, and the end
is a bare `close`, without the closing alert of TLS. A server says its port on standard error.
"""

import argparse
import pathlib
import socket
import ssl
import sys

SIZE = 1024
ADDRESS = "127.0.0.1"


def listen(options):
    listener = socket.create_server((ADDRESS, options.port))
    print("port", listener.getsockname()[1], file=sys.stderr, flush=True)
    return listener


def accept(listener, options):
    connection, address = listener.accept()
    if options.certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certs / "server.pem", options.certs / "server.key")
        connection = context.wrap_socket(connection, server_side=True)
    return connection, address


def dial(options):
    connection = socket.socket()
    if options.certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(options.certs / "ca.pem")
        connection = context.wrap_socket(connection, server_hostname=ADDRESS)
    connection.connect((ADDRESS, options.port))
    return connection


def hear(connection):
    return connection.recv(SIZE).decode()


def say(connection, text):
    connection.send(text.encode())


def hello_server(options):
    with listen(options) as listener:
        print("Server listening on port", listener.getsockname()[1])
        connection, address = accept(listener, options)
        with connection:
            print("Connection from:", address)
            print("Received from client:", hear(connection))
            say(connection, "Hello from server")
            print("Hello message sent")


def hello_client(options):
    with dial(options) as connection:
        say(connection, "Hello from client")
        print("Hello message sent")
        print("Received from server:", hear(connection))


def greeting_server(options):
    with listen(options) as listener:
        print("Socket creation successful")
        print("socket binded to", listener.getsockname()[1])
        print("socket is listening")
        connection, address = accept(listener, options)
        with connection:
            print("Got connection from", address)
            say(connection, "Thank you for connecting")


def greeting_client(options):
    with dial(options) as connection:
        print(hear(connection))


REPLIES = {
    "Hello": "Greetings!",
    "Are you there?": "Yes, I am here!",
    "quit": "Closing down",
}


def command_server(options):
    with listen(options) as listener:
        print("Socket initialized successfully.")
        print("Socket ready for incoming messages.")
        connection, _ = accept(listener, options)
        with connection:
            print("Connected.")
            message = ""
            while message != "quit":
                message = hear(connection)
                print("Received:", message)
                say(connection, REPLIES.get(message, "Unknown command."))


def command_client(options):
    with dial(options) as connection:
        reply = ""
        while reply != "Closing down":
            say(connection, input("Execute command: "))
            reply = hear(connection)
            print("Server response:", reply)


def chat_server(options):
    with listen(options) as listener:
        print("Server started. Waiting for a client...")
        connection, address = accept(listener, options)
        with connection:
            print("Client connected from", address)
            for message in iter(lambda: hear(connection), "BYE"):
                print("Client says:", message)
                say(connection, input("Server: "))
            print("Closing connection")


def chat_client(options):
    with dial(options) as connection:
        print("Connected to the server.")
        message = ""
        while message != "BYE":
            message = input("Client: ")
            say(connection, message)
            if message != "BYE":
                print("Server says:", hear(connection))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=["hello", "greeting", "command", "chat"])
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("port", type=int)
    parser.add_argument("--certs", type=pathlib.Path)
    options = parser.parse_args()
    globals()[f"{options.protocol}_{options.role}"](options)


if __name__ == "__main__":
    main()
