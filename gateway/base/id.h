/*
 * gateway/base/id.h - random bytes and the ids and tokens made of them.
 *
 * Owns 512 bytes of random bits a thread, for all but id_random and id_token, which ask the kernel each time; allocates nothing; any thread.
 * Randomness is the kernel's (getrandom). A kernel that refuses it leaves no safe way to go on: the process writes a line and aborts.
 */
#ifndef RECALLD_BASE_ID_H
#define RECALLD_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#define ID_MESSAGE_SIZE 25 /* 24 hex digits and a zero byte */
#define ID_UID_SIZE 20     /* XXXX-XXXX-XXXX-XXXX and a zero byte */
#define ID_TOKEN_SIZE 44   /* 43 characters of base64url (256 bits) and a zero byte */
#define ID_SHORT_SIZE 17   /* 16 characters of base32 (80 bits) and a zero byte */

/* Fills `len` bytes with random ones. */
void id_random(void *out, size_t len);
/* 64 random bits. */
uint64_t id_random_u64(void);

/* A message id as IMKit's look (an ObjectId): 32 bits of seconds, 10 bits of the ms within, 54 random bits,
 * in 24 lower-case hex digits. Ids of later ms sort later; within one ms the order is random. */
void id_message(char out[static ID_MESSAGE_SIZE], int64_t now_ms);

/* A UID as RongCloud's look: 80 random bits in base 32 (0-9 A-V), four groups of four. Not ordered. */
void id_uid(char out[static ID_UID_SIZE]);
/* The UID of 80 given bits. */
void id_uid_of(const unsigned char bits[static 10], char out[static ID_UID_SIZE]);

/* An unguessable token: 256 random bits in base64url without padding. */
void id_token(char out[static ID_TOKEN_SIZE]);

/* A short random name for sessions, requests, devices, epochs: 80 random bits in lower-case base 32 (a-z
 * 2-7). */
void id_short(char out[static ID_SHORT_SIZE]);

#endif
