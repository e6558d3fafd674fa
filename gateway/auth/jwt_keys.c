#include "auth/jwt_keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define P256_HALF 32 /* bytes of r and of s */

/* An encrypted key would make the library ask on the terminal: it gets no password instead. */
static int no_password(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static bool pin_algorithm(struct jwt_keys *keys, const char **why)
{
    char group[32] = "";
    size_t n = 0;
    switch (EVP_PKEY_get_base_id(keys->public_key)) {
    case EVP_PKEY_RSA:
        if (EVP_PKEY_get_bits(keys->public_key) < RSA_BITS_MIN) {
            *why = "the RSA key has fewer than 2048 bits";
            return false;
        }
        keys->public_alg = JWT_KEYS_RS256;
        return true;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_utf8_string_param(keys->public_key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                           &n) != 1 ||
            (strcmp(group, "prime256v1") != 0 && strcmp(group, "P-256") != 0)) {
            *why = "the EC key is not on the curve P-256";
            return false;
        }
        keys->public_alg = JWT_KEYS_ES256;
        return true;
    case EVP_PKEY_ED25519:
        keys->public_alg = JWT_KEYS_EDDSA;
        return true;
    default:
        *why = "the public key is neither RSA, EC P-256 nor Ed25519";
        return false;
    }
}

static bool read_public_key(struct jwt_keys *keys, const char *pem, size_t pem_len, const char **why)
{
    if (pem_len > 65536) {
        *why = "the public key file is larger than 64 KiB";
        return false;
    }
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);
    if (bio == NULL) {
        *why = "out of memory";
        return false;
    }
    keys->public_key = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (keys->public_key == NULL) {
        *why = "the file holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)";
        return false;
    }
    return pin_algorithm(keys, why);
}

/* The keyed start of a MAC, from which each one is copied: making it anew looks the algorithm up and hashes the key again, which is
 * most of the work for a text as short as a token. */
static bool prepare_mac(struct jwt_keys *keys)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    keys->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    return keys->mac != NULL && EVP_MAC_init(keys->mac, keys->secret, keys->secret_len, params) == 1;
}

struct jwt_keys *jwt_keys_create(const char *secret, size_t secret_len, const char *pem, size_t pem_len,
                                 const char **why)
{
    struct jwt_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        *why = "out of memory";
        goto err0;
    }
    if ((secret == NULL || secret_len == 0) && pem == NULL) {
        *why = "neither a secret nor a public key";
        goto err1;
    }
    if (secret != NULL && secret_len > 0) {
        keys->secret = malloc(secret_len);
        if (keys->secret == NULL) {
            *why = "out of memory";
            goto err1;
        }
        memcpy(keys->secret, secret, secret_len);
        keys->secret_len = secret_len;
        if (!prepare_mac(keys)) {
            *why = "the crypto library has no HMAC with SHA-256";
            goto err1;
        }
    }
    if (pem != NULL && !read_public_key(keys, pem, pem_len, why)) {
        goto err1;
    }
    return keys;
err1:
    jwt_keys_free(keys);
err0:
    return NULL;
}

void jwt_keys_free(struct jwt_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    if (keys->secret != NULL) {
        OPENSSL_cleanse(keys->secret, keys->secret_len);
    }
    free(keys->secret);
    EVP_MAC_CTX_free(keys->mac);
    EVP_PKEY_free(keys->public_key);
    free(keys);
}

bool jwt_keys_shared(const struct jwt_keys *a, const struct jwt_keys *b)
{
    if (a == NULL || b == NULL) {
        return false;
    }
    if (a->secret != NULL && b->secret != NULL && a->secret_len == b->secret_len &&
        CRYPTO_memcmp(a->secret, b->secret, a->secret_len) == 0) {
        return true;
    }
    return a->public_key != NULL && b->public_key != NULL && EVP_PKEY_eq(a->public_key, b->public_key) == 1;
}

bool jwt_keys_has(const struct jwt_keys *keys, enum jwt_keys_alg alg)
{
    return alg == JWT_KEYS_HS256 ? keys->secret != NULL : keys->public_key != NULL && keys->public_alg == alg;
}

bool jwt_keys_mac(const struct jwt_keys *keys, const char *text, size_t len, unsigned char out[static 32])
{
    EVP_MAC_CTX *ctx = keys->mac != NULL ? EVP_MAC_CTX_dup(keys->mac) : NULL;
    size_t n = 0;
    const bool ok = ctx != NULL && EVP_MAC_update(ctx, (const unsigned char *)text, len) == 1 &&
                    EVP_MAC_final(ctx, out, &n, 32) == 1 && n == 32;

    EVP_MAC_CTX_free(ctx);
    return ok;
}

static bool check_public(const struct jwt_keys *keys, const char *text, size_t len,
                         const unsigned char *signature, size_t signature_len)
{
    /* Ed25519 hashes by itself. RSA's padding is PKCS #1 v1.5 by default, which is RS256's. */
    const EVP_MD *md = keys->public_alg == JWT_KEYS_EDDSA ? NULL : EVP_sha256();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, md, NULL, keys->public_key) == 1 &&
              EVP_DigestVerify(ctx, signature, signature_len, (const unsigned char *)text, len) == 1;
    EVP_MD_CTX_free(ctx);
    /* A refused signature leaves entries in this thread's error queue, which would grow with every bad token.
     */
    ERR_clear_error();
    return ok;
}

/* A JWS has r and s side by side, the library wants them in DER. */
static bool check_es256(const struct jwt_keys *keys, const char *text, size_t len,
                        const unsigned char *signature, size_t signature_len)
{
    bool ok = false;
    unsigned char *der = NULL;
    if (signature_len != 2 * P256_HALF) {
        return false;
    }
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, P256_HALF, NULL);
    BIGNUM *s = BN_bin2bn(signature + P256_HALF, P256_HALF, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        goto out;
    }
    int n = i2d_ECDSA_SIG(sig, &der);
    ok = n > 0 && check_public(keys, text, len, der, (size_t)n);
out:
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return ok;
}

bool jwt_keys_check(const struct jwt_keys *keys, enum jwt_keys_alg alg, const char *text, size_t len,
                    const unsigned char *signature, size_t signature_len)
{
    unsigned char mac[32];
    if (!jwt_keys_has(keys, alg)) {
        return false;
    }
    switch (alg) {
    case JWT_KEYS_HS256:
        return signature_len == sizeof mac && jwt_keys_mac(keys, text, len, mac) &&
               CRYPTO_memcmp(mac, signature, sizeof mac) == 0;
    case JWT_KEYS_ES256:
        return check_es256(keys, text, len, signature, signature_len);
    case JWT_KEYS_RS256:
    case JWT_KEYS_EDDSA:
        return check_public(keys, text, len, signature, signature_len);
    }
    return false;
}
