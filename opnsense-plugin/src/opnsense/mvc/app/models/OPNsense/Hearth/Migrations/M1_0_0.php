<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Migrations;

use OPNsense\Base\BaseModelMigration;

class M1_0_0 extends BaseModelMigration
{
    /**
     * The first installation: machines are most often on LAN, so that one is offered. Nothing is served yet.
     */
    public function run($model)
    {
        parent::run($model);
        $interfaces = $model->general->interfaces;
        if (!$interfaces->isSet() && isset($interfaces->getNodeData()['lan'])) {
            $interfaces->setValue('lan');
        }
    }
}
