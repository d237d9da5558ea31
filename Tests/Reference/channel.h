// The channel between the reference's two processes, one question and one answer at a time (SOCK_SEQPACKET).
// SPDX-License-Identifier: Apache-2.0
#ifndef CHANNEL_H
#define CHANNEL_H

#include "reference.h"

enum {
    // Of a handshake's messages in one question; nothing of the benchmark's comes near it.
    LONGEST_MESSAGES = 8192,
    LONGEST_SIGNATURE = 512,
    NONCE = 32,
    // Extension of the CertificateRequest, as Parley has it.
    NONCE_EXTENSION = 0xff50,
    // Nonces that were given out and not used, and handshakes under way.
    MOST_HANDSHAKES = 4096
};

// Of RFC 8446, section 4.
enum message_kind {
    CLIENT_HELLO = 1, SERVER_HELLO = 2, ENCRYPTED_EXTENSIONS = 8, CERTIFICATE = 11, CERTIFICATE_REQUEST = 13,
    CERTIFICATE_VERIFY = 15, FINISHED = 20
};

enum question_kind {
    // For a first handshake: each signature brings the nonce for another one.
    ASK_NONCE,
    // ClientHello to server Certificate: the signature for them.
    ASK_SIGNATURE,
    // The client's Certificate: whether its chain is good.
    ASK_CHAIN,
    // Server Finished, client Certificate and CertificateVerify: whether the client has made this handshake.
    ASK_PROOF
};

// The messages follow it.
struct question {
    uint32_t kind, handle, scheme;
};

struct answer {
    // 0 where it is refused; a signature's length, else 1.
    uint32_t length;
    uint8_t nonce[NONCE], signature[LONGEST_SIGNATURE];
};

// Forks the process that has the key, before this one has read anything; returns this process's end.
int start_signer(const struct files *files);

// The network's half.

// A handshake that asks the signer: its messages so far, and what the signer knows it by.
struct handshake;

// Has the context's handshakes ask at `channel`, with a key that is there; called once.
void use_signer(SSL_CTX *context, X509 *certificate, int asks_client, int channel);

// For a connection of that context; null for one without a signer.
struct handshake *begin_handshake(SSL *tls);

// Goes on with the handshake; as SSL_do_handshake(3).
int shake_hands(SSL *tls, struct handshake *handshake);

// Has the client's proof judged when the handshake is done; returns whether the session may begin.
int prove(struct handshake *handshake);

// Takes null.
void end_handshake(SSL *tls, struct handshake *handshake);

#endif
