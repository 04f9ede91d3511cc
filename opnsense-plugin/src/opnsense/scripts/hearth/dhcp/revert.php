#!/usr/local/bin/php
<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

require_once 'script/load_phalcon.php';

use OPNsense\Hearth\Dhcp\Wiring;

try {
    $result = Wiring::reconfigure(Wiring::revert());
} catch (\Throwable $error) {
    $result = ['status' => 'failed', 'message' => $error->getMessage()];
}
echo json_encode($result, JSON_INVALID_UTF8_SUBSTITUTE) . PHP_EOL;
