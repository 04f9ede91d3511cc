<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * IPv4 addresses and networks, as far as a plan needs them.
 */
class Ipv4
{
    /**
     * @param string $address dotted
     * @param string $network `192.168.1.0/24`
     * @return bool whether the address lies in the network; false if either is none
     */
    public static function isIn(string $address, string $network): bool
    {
        $parts = explode('/', $network);
        if (count($parts) != 2 || !ctype_digit($parts[1]) || (int)$parts[1] > 32) {
            return false;
        }
        if (!self::isAddress($address) || !self::isAddress($parts[0])) {
            return false;
        }
        $mask = (int)$parts[1] == 0 ? 0 : (0xffffffff << (32 - (int)$parts[1])) & 0xffffffff;
        return (ip2long($address) & $mask) == (ip2long($parts[0]) & $mask);
    }

    /**
     * @param string $text anything
     * @return bool whether it is a dotted IPv4 address
     */
    public static function isAddress(string $text): bool
    {
        return filter_var($text, FILTER_VALIDATE_IP, FILTER_FLAG_IPV4) !== false;
    }

    /**
     * @param string $address dotted
     * @return string its four bytes as dhcpd.conf writes them, `c0:a8:01:01`
     */
    public static function bytes(string $address): string
    {
        return implode(':', str_split(bin2hex(inet_pton($address)), 2));
    }
}
