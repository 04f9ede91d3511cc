<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\FieldTypes;

use OPNsense\Base\FieldTypes\BaseListField;

/**
 * What can stand in the boot menu: the menu's own items by their names, profiles and images by their uuids,
 * so that an item follows when one is renamed. Several items keep their order.
 */
class MenuItemField extends BaseListField
{
    /**
     * {@inheritdoc}
     */
    protected function actionPostLoadingEvent()
    {
        $model = $this->getParentModel();
        $this->internalOptionList = [];
        foreach (['profiles' => gettext('Profile %s'), 'images' => gettext('Image %s')] as $kind => $text) {
            foreach ($model->$kind->{rtrim($kind, 's')}->iterateItems() as $uuid => $node) {
                $this->internalOptionList[$uuid] = sprintf($text, $node->name->getValue());
            }
        }
        $this->internalOptionList += [
            'netboot.xyz' => 'netboot.xyz',
            'memtest' => gettext('Memory test'),
            'local' => gettext('Local disk'),
            'shell' => gettext('iPXE shell'),
            'reboot' => gettext('Reboot'),
        ];
    }

    /**
     * {@inheritdoc}
     */
    public function getNodeData()
    {
        /* what is chosen comes first, in its order: the core's list would sort it by what can be chosen */
        $chosen = array_intersect($this->getValues(), array_keys($this->internalOptionList));
        $this->internalOptionList = array_replace(array_flip($chosen), $this->internalOptionList);
        return parent::getNodeData();
    }
}
