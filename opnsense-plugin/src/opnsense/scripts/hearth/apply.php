#!/usr/local/bin/php
<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* Brings the declared configuration into force: apply.php [--event | --restart | --render | --check] */

require_once('script/load_phalcon.php');
require_once('config.inc');
require_once('util.inc');
require_once('interfaces.inc');

$ways = ['--event' => 'event', '--restart' => 'restart', '--render' => 'render', '--check' => 'check'];

echo json_encode(\OPNsense\Hearth\Apply::run($ways[$argv[1] ?? ''] ?? 'apply')) . PHP_EOL;
